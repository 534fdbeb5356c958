"""How a service process is built, runs and stops."""
