"""The cache of read models with `cached`: its port, the server, and the row store that uses it."""
