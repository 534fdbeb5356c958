"""HTTP: the application of a context, authentication, commands, problems, health and documentation."""
