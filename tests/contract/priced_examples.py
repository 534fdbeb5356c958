"""The examples of docs/guides/pricing-models.md: a charge, its usage, and the bill that the page prints."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from services.subscriptions.plans.schemas import NewCharge
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.money import Money
from shared.billing.pricing import RatingStep, Usage, exact_sum, rate_usages
from shared.billing.proration import WHOLE
from shared.framework.core.decimals import fixed_point

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "pricing-models.md"
_EXAMPLE = re.compile(
    r"```json charge\n(.*?)```\n+```json usage\n(.*?)```\n+```text bill\n(.*?)```", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Example:
    """A charge as `POST /v1/plans` takes it, its usages in USD, and the bill of it on the page."""

    charge: Charge
    usages: tuple[Usage, ...]
    printed: str

    def bill(self) -> str:
        """The bill as the page should print it: the sentence, and of each line its steps and its amount."""
        return "\n".join([self.charge.sentence("USD"), *self._lines()]) + "\n"

    def _lines(self) -> Iterator[str]:
        price = self.charge.price
        if not price.needs_meter:
            yield from _line(price.rate_prorated(WHOLE))
            return
        for _, steps in rate_usages(price, self.charge, self.usages, "USD"):
            yield from _line(steps)


def examples() -> list[Example]:
    """All examples of the page, in its order."""
    return [
        Example(_charge(charge), msgspec.json.decode(usage, type=tuple[Usage, ...]), printed)
        for charge, usage, printed in _EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    ]


def _charge(text: str) -> Charge:
    body = {"key": "usage", "name": "Usage", "meter_key": "usage"} | msgspec.json.decode(text)
    return NewCharge.model_validate(body).charge()


def _line(steps: tuple[RatingStep, ...]) -> Iterator[str]:
    for step in steps:
        fee = f" + {_plain(step.fee)}" if step.fee else ""
        computed = f"{_plain(step.quantity)} x {_plain(step.unit_price)}{fee} = {_plain(step.amount)}"
        yield f"  {step.description}: {computed}"
    yield f"= {Money.rounded(exact_sum(steps), 'USD')}"


def _plain(number: Decimal) -> str:
    return fixed_point(number.normalize())
