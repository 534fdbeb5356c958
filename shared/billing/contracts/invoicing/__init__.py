"""Events that invoicing publishes, one module for each subject."""
