"""The read side: projects the events of all contexts into tables, and serves them by GraphQL."""
