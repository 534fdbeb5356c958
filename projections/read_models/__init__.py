"""The read models: each a folder with a pure projection.py, and graphql.py for its types and root fields."""
