"""Events between contexts: broker, relay, feeds, consumer with inbox, and dead letters."""
