"""Tests of the subscriptions service: its routes, and its timers under races."""
