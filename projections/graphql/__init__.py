"""Graphql."""
