"""Reads over HTTP of what the context itself has decided: one stream, or a page of the streams of a kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request

from shared.framework.core.decider import Decider
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.ports import CommandStore
from shared.framework.http.authorization import Credential, credential_of
from shared.framework.http.service_context import service_context_of

PAGE_MAX = 500
_POSITION_DIGITS_MAX = 18

S = TypeVar("S")

PageSize = Annotated[int, Query(alias="limit", ge=1, le=PAGE_MAX)]
"""How many rows a page of a list has at most."""

Cursor = Annotated[str | None, Query(description="The `next_cursor` of the page before.")]


class CursorIsUnreadable(Refusal):
    """The cursor is not the `next_cursor` of an earlier page."""

    code = "cursor-invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True)
class ReadContext:
    """The store and the credential of one read."""

    store: CommandStore
    credential: Credential

    @property
    def tenant_id(self) -> str:
        """The tenant whose streams may be read."""
        return self.credential.tenant_id

    def may_see(self, customer_id: str | None) -> bool:
        """Whether the caller may see what belongs to a customer: one of role `customer` sees only its own."""
        return self.credential.customer_id in (None, customer_id)

    async def state(self, decider: Decider[S, Any, Any], stream_id: str) -> S:
        """The state of a stream now; the initial state if the tenant has no such stream."""
        return decider.fold((await self.store.load(self.tenant_id, stream_id)).events)

    async def page(
        self, decider: Decider[S, Any, Any], kind: str, cursor: str | None, size: int
    ) -> tuple[Sequence[tuple[str, S]], str | None]:
        """The ids and states of a page of streams in order of creation, and the cursor of the next page.

        `kind`: the prefix of their ids. The last page has no cursor. Raises CursorIsUnreadable.
        """
        found = await self.store.streams(self.tenant_id, kind, position_in(cursor), size + 1)
        page = found[:size]
        rows = [(one.stream_id, await self.state(decider, one.stream_id)) for one in page]
        return rows, str(page[-1].position) if len(found) > size else None


async def _read_context(request: Request) -> ReadContext:
    return ReadContext(service_context_of(request).store, credential_of(request))


ReadDep = Annotated[ReadContext, Depends(_read_context)]
"""For GET routes of the context's own streams."""


def position_in(cursor: str | None) -> int:
    """The position after which the page begins; 0 without a cursor. Raises CursorIsUnreadable."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _POSITION_DIGITS_MAX):
        raise CursorIsUnreadable("not a whole number")
    return int(cursor)
