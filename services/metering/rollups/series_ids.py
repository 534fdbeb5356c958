"""The short numbers of series, made in bulk when they are first met."""

from collections.abc import Collection, Mapping
from hashlib import blake2b

import asyncpg
import msgspec

from services.metering.rollups.accumulator import Series
from shared.framework.eventstore.pool import translate_errors

KNOWN_MAX = 500_000

_MAKE = """
INSERT INTO series (key, tenant_id, meter_id, subject, dimensions, is_additive)
SELECT new.key, new.tenant_id, new.meter_id, new.subject,
       ARRAY(SELECT jsonb_array_elements_text(new.dimensions)), new.is_additive
FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[])
     AS new (key, tenant_id, meter_id, subject, dimensions, is_additive)
ON CONFLICT (key) DO NOTHING
"""
_FIND = "SELECT key, series_id FROM series WHERE key = ANY($1::bytea[])"


class SeriesIds:
    """A cache over the table; a number, once given, never changes."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._known: dict[Series, int] = {}

    def learn(self, series: Series, series_id: int) -> None:
        """Remember what was read elsewhere."""
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[series] = series_id

    async def of(self, wanted: Mapping[Series, bool]) -> Mapping[Series, int]:
        """Numbers for series (each with whether it adds up), in a transaction of their own.

        A number that is made and then not used, because the flush fails, does no harm.
        """
        found = {series: self._known[series] for series in wanted if series in self._known}
        new = {series: additive for series, additive in wanted.items() if series not in found}
        if new:
            await self._make(new)
            for series, series_id in await self._numbers_of(new):
                self.learn(series, series_id)
                found[series] = series_id
        return found

    async def _make(self, new: Mapping[Series, bool]) -> None:
        rows = sorted((_key(one), *one[:3], msgspec.json.encode(one.dimensions).decode(), additive)
                      for one, additive in new.items())  # fmt: skip
        with translate_errors():
            await self._pool.execute(_MAKE, *map(list, zip(*rows, strict=True)))

    async def _numbers_of(self, wanted: Collection[Series]) -> list[tuple[Series, int]]:
        keys = {_key(one): one for one in wanted}
        with translate_errors():
            rows = await self._pool.fetch(_FIND, list(keys))
        return [(keys[row["key"]], row["series_id"]) for row in rows]


def _key(series: Series) -> bytes:
    # A JSON array: no two series can spell the same bytes.
    return blake2b(msgspec.json.encode(series), digest_size=16).digest()
