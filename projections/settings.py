"""What the read side may be told from outside, besides what every process is."""

from shared.framework.process.settings import ServiceSettings


class ProjectionsSettings(ServiceSettings):
    """See ServiceSettings. Without a Redis URL there is no cache, and Postgres answers alone."""

    graphql_introspection: bool = True
