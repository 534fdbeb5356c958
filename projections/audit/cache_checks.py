"""Check of the cache: every copy that can be served equals its row."""

from collections.abc import Iterable
from contextlib import suppress

from projections.audit.report import Difference
from projections.engine.cache.cache import Cache, CacheUnavailable
from projections.engine.cache.cached_row_store import decode_row
from projections.engine.read_model import AnyModel
from projections.engine.row_store import RowStore, every_row

PAGE = 500


async def check_cached_rows(
    rows: RowStore, cache: Cache | None, models: Iterable[AnyModel]
) -> list[Difference]:
    """Compare every copy with its row.

    A copy of an older revision is never served, and instead of a missing one the row is read: neither is a
    difference. A server that is unavailable counts as empty.
    """
    found: list[Difference] = []
    with suppress(CacheUnavailable):
        for model in models:
            if cache is not None and model.cached:
                found += await _check(rows, cache, model)
    return found


async def _check(rows: RowStore, cache: Cache, model: AnyModel) -> list[Difference]:
    stored = {(model.table, *row.key): row async for row in every_row(rows, model)}
    keys, found = sorted(stored), []
    for start in range(0, len(keys), PAGE):
        for key, document in (await cache.read(keys[start : start + PAGE])).items():
            copy, row = decode_row(model, key[1:], document), stored[key]
            if copy is None or (copy != row and copy.revision >= row.revision):
                found.append(Difference(f"cached {model.name}", *row.key, f"cached {copy}; row {row}"))
    return found
