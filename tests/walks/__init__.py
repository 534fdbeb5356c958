"""The call trees of docs/architecture.md, compared with traces of real service processes."""
