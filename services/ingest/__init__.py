"""Ingest: accepts usage events, counts each once and keeps the rejected ones; without meters or prices."""
