"""Deciders, events, refusals, ids and the clock port: plain Python without I/O."""
