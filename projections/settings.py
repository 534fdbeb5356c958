"""Settings of the read side, in addition to those of every service."""

from shared.framework.process.settings import ServiceSettings


class ProjectionsSettings(ServiceSettings):
    """See ServiceSettings. Without a Redis URL there is no cache: every row is read from PostgreSQL."""

    graphql_introspection: bool = True
