"""Tests of the whole system; unit tests are in the folders of their subjects."""
