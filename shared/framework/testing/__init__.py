"""Given/when/then, contract suites and fakes for tests."""
