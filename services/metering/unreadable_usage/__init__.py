"""Unreadable usage: lists the events that a meter could not read, and publishes UnreadableUsageFound."""
