"""Timers: their handlers, and the loop that fires them."""
