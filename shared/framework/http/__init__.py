"""The house's HTTP manners: app factory, problems, idempotency, authentication, health."""
