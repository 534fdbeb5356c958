"""The simulated world: all services in one process, on virtual time, with faults by seed (README.md)."""
