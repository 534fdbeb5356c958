"""Tests of shared.framework.core: the vectors of the law of money, and properties that hold for every input."""
