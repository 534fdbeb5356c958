"""Write the schema that is served to projections/schema.graphql: `python -m projections.api.print_schema`."""

from pathlib import Path

from projections.api.schema import build_schema

SCHEMA_FILE = Path(__file__).parents[1] / "schema.graphql"

if __name__ == "__main__":
    SCHEMA_FILE.write_text(build_schema().as_str() + "\n")
