"""Events that payments publishes, one module for each subject."""
