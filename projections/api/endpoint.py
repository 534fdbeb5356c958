"""POST /graphql: one query of limited size and cost; the response names the positions that it includes."""

import logging
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from graphql import GraphQLError
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionResult

from projections.api.schema import Schema
from projections.api.schemas import GraphQLResponse
from projections.engine.freshness import PartitionFreshness
from projections.engine.request_reader import ReadStores, RequestReader, Viewer
from projections.refusals import OperationIsUnknown
from shared.framework.core.refusals import Refusal
from shared.framework.http.authorization import Caller, Credential, requires
from shared.framework.http.refusals import RequestIsInvalid

QUERY_LENGTH_MAX = 32 * 1024

_log = logging.getLogger(__name__)


class GraphQLRequest(msgspec.Struct, rename="camel"):
    """A GraphQL over HTTP request; batches are not supported."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=QUERY_LENGTH_MAX)]
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(GraphQLRequest)


def graphql_routes(schema: Schema, stores: ReadStores) -> APIRouter:
    """The endpoint, for the scope graphql:read."""
    router = APIRouter(tags=["graphql"], dependencies=[requires("graphql:read", customers=True)])

    @router.post(
        "/graphql",
        summary="Execute a GraphQL query",
        response_model=GraphQLResponse,
        openapi_extra={"requestBody": _request_body()},
    )
    async def execute_query(request: Request, caller: Caller) -> Response:
        """Respond 200 with data, errors or both; the schema is projections/schema.graphql."""
        query = _read(await request.body())
        async with stores.turns.query(caller.tenant_id):
            fresh = await stores.freshness_for(caller.tenant_id)
            result = await _execute(schema, query, RequestReader(stores, viewer_of(caller)))
            return _response(result.data, result.errors or [], fresh)

    return router


async def _execute(schema: Schema, query: GraphQLRequest, reader: RequestReader) -> ExecutionResult:
    """The result of a query. Raises OperationIsUnknown."""
    try:
        return await schema.execute(
            query.query,
            variable_values=query.variables,
            context_value=reader,
            operation_name=query.operation_name,
        )
    except CannotGetOperationTypeError as error:
        raise OperationIsUnknown(query.operation_name or "the query contains no operation") from error


def _request_body() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components([GraphQLRequest])
    example = {"query": "{ customers(first: 3) { edges { node { id externalId } } } }"}
    return {
        "required": True,
        "content": {"application/json": {"schema": schemas["GraphQLRequest"], "example": example}},
    }


def viewer_of(caller: Credential) -> Viewer:
    """The viewer of a credential; the subject of a customer's credential is the customer id."""
    return Viewer(caller.tenant_id, caller.customer_id)


def _read(body: bytes) -> GraphQLRequest:
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise RequestIsInvalid(str(error)) from error


def _response(data: Any, errors: list[GraphQLError], fresh: list[PartitionFreshness]) -> Response:
    body: dict[str, Any] = {
        "data": data,
        "extensions": {"freshness": [freshness_payload(one) for one in fresh]},
    }
    if errors:
        body = {"errors": [error_payload(error) for error in errors], **body}
    return Response(msgspec.json.encode(body, enc_hook=str), media_type="application/json")


def freshness_payload(fresh: PartitionFreshness) -> dict[str, Any]:
    """The JSON of the schema's type Freshness."""
    return {
        "context": fresh.context,
        "partition": fresh.partition,
        "position": str(fresh.position),
        "occurredAt": fresh.occurred_at.isoformat() if fresh.occurred_at else None,
    }


def error_payload(error: GraphQLError) -> dict[str, Any]:
    """The part of an error that clients may see: refusals and faults of the query; of defects nothing."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):  # for a wrong variable the cause is such an error
        return dict(error.formatted)
    where = {key: value for key, value in error.formatted.items() if key in {"path", "locations"}}
    if isinstance(cause, Refusal):
        detail = " ".join(map(str, cause.args))
        return {"message": f"{cause.title} {detail}".strip(), **where, "extensions": {"code": cause.code}}
    if isinstance(cause, RecursionError):
        return {"message": "The query is nested too deeply.", **where}
    _log.error("a resolver failed", exc_info=cause, extra={"path": error.path})
    return {"message": "An internal error occurred.", **where, "extensions": {"code": "internal-error"}}
