"""Tests of the payments service as a whole."""
