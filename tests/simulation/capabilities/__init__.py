"""The capabilities of the world, one per file; a new file is found by itself."""
