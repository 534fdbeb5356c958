"""Golden samples of every event, and the rules of the repository as tests."""
