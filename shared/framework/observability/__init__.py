"""Traces, logs and metrics, with every name in one place."""
