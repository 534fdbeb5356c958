"""Given/when/then, contract suites and fakes that many test folders share."""
