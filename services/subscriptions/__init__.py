"""The subscriptions service: customers, plans, subscriptions and test clocks; it publishes the end of each billing period."""
