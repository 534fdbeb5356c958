"""Points of an hour as bytes: what makes it possible to cut an hour in two, exactly."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

import msgspec

from services.metering.aggregations.aggregation import MeasuredValue
from services.metering.rollups.hours import PartialHour
from shared.billing.money import EXACT

Points = Sequence[tuple[int, MeasuredValue]]

pack = msgspec.msgpack.Encoder().encode
_unpack_numbers = msgspec.msgpack.Decoder(list[tuple[int, Decimal]]).decode
_unpack_values = msgspec.msgpack.Decoder(list[tuple[int, bytes]]).decode


def sum_within(packs: Iterable[bytes], edge: PartialHour) -> Decimal | None:
    """The sum of the points inside an edge; None when there are none."""
    amounts = [
        amount
        for one in packs
        for offset, amount in _unpack_numbers(one)
        if edge.from_us <= offset < edge.to_us
    ]
    with localcontext(EXACT):
        return sum(amounts, Decimal(0)) if amounts else None


def values_within(packs: Iterable[bytes], edge: PartialHour) -> set[bytes]:
    """The different values inside an edge."""
    return {
        value for one in packs for offset, value in _unpack_values(one) if edge.from_us <= offset < edge.to_us
    }
