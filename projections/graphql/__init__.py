"""GraphQL for any read model: types of rows, fields that read them, connections, limits of queries."""
