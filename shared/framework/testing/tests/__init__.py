"""Tests of the test words: a story that cannot fail would prove nothing."""
