"""Servers from wheels, each as a ProcessSpec for the supervisor."""
