"""The laws of folding: in any order, in any parts, the same tally."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.metering.rollups.accumulator import CompiledMeter, UsageAccumulator
from services.metering.rollups.consumer import count_record
from services.metering.tests.usage import METERS, NOON, TENANT, record, usage
from shared.billing.contracts.ingest.usage import UsageEvent

GAUGES = [CompiledMeter.of(TENANT, one) for one in METERS]

values = (
    st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, places=12, max_value=10**6).map(str)
    | st.text()
)
events = st.builds(
    lambda subject, offset, data: usage(subject, NOON.replace(microsecond=offset), **data),
    st.sampled_from(["UA", "DL"]),
    st.integers(0, 999_999),
    st.fixed_dictionaries({"value": values}, optional={"origin": st.sampled_from(["JFK", "EWR"])}),
)


def tally_of(batches: Sequence[Sequence[UsageEvent]]) -> dict[object, object]:
    """A tally in a form that can be compared: what is counted, without the order of arrival."""
    tally = UsageAccumulator()
    for position, batch in enumerate(batches, start=1):
        count_record(tally, record(batch, position), GAUGES)
    unreadable = sorted((one.meter_id, one.subject, one.time, one.reason) for one in tally.unreadable)
    counted: dict[object, object] = {"unreadable": unreadable}
    for series, hour, cell in tally.cells():
        counted[series, hour] = (str(cell.value), sorted(cell.points, key=repr))
    return counted


@given(st.lists(events, max_size=30), st.randoms(use_true_random=False), st.integers(1, 30))
def test_order_and_batches_do_not_matter(usages: list[UsageEvent], dice: object, cut: int) -> None:
    """Shuffled and split delivery gives identical tallies, to the last digit and exponent."""
    shuffled = list(usages)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' Random
    assert tally_of([usages]) == tally_of([shuffled[:cut], shuffled[cut:]])
