"""Backup, restore, and the reconciliation of databases that were restored to different moments."""
