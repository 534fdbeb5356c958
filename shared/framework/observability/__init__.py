"""Logs, metrics and traces; all their names are in names.py."""
