"""What resolvers know about the request that they answer."""

from typing import TypeAlias

import strawberry

from projections.engine.request_reader import RequestReader

Info: TypeAlias = strawberry.Info[RequestReader, None]
