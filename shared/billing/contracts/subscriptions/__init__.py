"""Events that subscriptions publishes, one module for each subject."""
