"""The HTTP API of the read side: GraphQL, and the history of events."""
