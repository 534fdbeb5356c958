"""Settings of the read side, in addition to those of every service."""

from collections.abc import Mapping
from typing import ClassVar

from shared.framework.process.settings import ServiceSettings


class ProjectionsSettings(ServiceSettings):
    """See ServiceSettings. Without a Redis URL there is no cache: every row is read from PostgreSQL."""

    database_parameters: ClassVar[Mapping[str, str]] = {"enable_bitmapscan": "off"}
    """Every page is read in the order of an index. Without statistics of a table that has just grown, the
    planner takes all 40,000 lines of an invoice for three, collects them in a bitmap, and sorts them: 300 ms
    for a page instead of 0.3 ms, until the table is analyzed.
    """

    graphql_introspection: bool = True
