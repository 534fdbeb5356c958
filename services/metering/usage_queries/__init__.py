"""Usage queries: usage by window and group, read from the rollups; owns nothing and publishes nothing."""
