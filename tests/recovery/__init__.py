"""Backup, restore and reconciliation on real servers."""
