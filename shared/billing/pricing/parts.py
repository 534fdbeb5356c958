"""The steps of usage that is priced part by part: each part's own, or of many parts their sums."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.model import RatingStep

STEPS_MAX = 100
"""Steps that are listed part by part; a line with more of them shows one for each kind of step."""


def steps_of_parts(noun: str, rated: Iterable[Sequence[RatingStep]]) -> tuple[RatingStep, ...]:
    """The steps of all parts, `day 3: 0 to 10`; if they are many, sums: `0 to 10, in 31 days`.

    Steps are of one kind if their description and unit price are the same. Their quantities, fees and
    amounts are added, so quantity x unit price + fee = amount holds for a sum too.
    """
    parts = list(rated)
    if sum(map(len, parts)) > STEPS_MAX:
        return _summed(noun, [step for steps in parts for step in steps])
    return tuple(
        msgspec.structs.replace(step, description=f"{noun} {number}: {step.description}")
        for number, steps in enumerate(parts, start=1)
        for step in steps
    )


def _summed(noun: str, steps: Iterable[RatingStep]) -> tuple[RatingStep, ...]:
    kinds: dict[tuple[str, Decimal], list[RatingStep]] = {}
    for step in steps:
        kinds.setdefault((step.description, step.unit_price), []).append(step)
    with localcontext(EXACT):
        return tuple(
            RatingStep(
                description=f"{description}, in {len(same)} {noun}{'s' if len(same) > 1 else ''}",
                quantity=sum((step.quantity for step in same), start=Decimal(0)),
                unit_price=unit_price,
                amount=sum((step.amount for step in same), start=Decimal(0)),
                fee=sum((step.fee for step in same), start=Decimal(0)),
            )
            for (description, unit_price), same in kinds.items()
        )
