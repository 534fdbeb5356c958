"""Timers: what a subject says of them, and the loop that fires them."""
