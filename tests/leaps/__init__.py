"""Advances of test clocks over all services in one process, with seeded delays between them."""
