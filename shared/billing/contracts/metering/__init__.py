"""Events that metering publishes, one module for each subject."""
