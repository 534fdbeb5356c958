"""The subscriptions service: customers, plans, subscriptions and their billing periods, test clocks."""
