"""Read model: subscriptions with their plan version and closed periods."""
