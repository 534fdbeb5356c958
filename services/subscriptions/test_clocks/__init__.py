"""Test clocks, one per tenant at most.

Owns the `clk` streams, subscribes to nothing, publishes TestClockStarted, TestClockAdvanceStarted,
TestClockAdvanced and TestClockAdvanceFinished.
"""
