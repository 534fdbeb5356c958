"""Meters: what is counted of usage, and how; owns the meter streams and publishes MeterDefined."""
