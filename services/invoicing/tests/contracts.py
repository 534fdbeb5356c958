"""The contracts of the tests of invoicing."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from services.invoicing.contract_terms.decider import ContractTerms
from services.invoicing.tests.scenarios import JANUARY
from shared.billing.contracts.invoicing.contract_terms import ContractTermsRecorded
from shared.billing.contracts.subscriptions.contracts import (
    CommitmentPeriod,
    ContractKind,
    ContractSigned,
)
from shared.billing.money import Money
from shared.billing.period import Period


def signed(
    kind: ContractKind,
    *amounts: str,
    periods: Sequence[Period] = (JANUARY,),
    currency: str = "USD",
    **more: Any,
) -> ContractSigned:
    """A contract of the scenarios' customer from the start of the first period on."""
    terms = {
        "contract_id": "con_1",
        "subscription_ids": None,
        "overage": None,
        "volume_discounts": (),
        "termination_fee": None,
    }
    return ContractSigned(
        customer_id="cus_1",
        name="Frame",
        kind=kind,
        currency=currency,
        time_zone="UTC",
        interval="P1M",
        starts_at=periods[0].start,
        ends_at=periods[-1].end,
        periods=tuple(
            CommitmentPeriod(
                period=period, full_period=period, commitment=Money.rounded(Decimal(amount), currency)
            )
            for period, amount in zip(periods, amounts, strict=True)
        ),
        signed_at=periods[0].start,
        **terms | more,
    )


def terms_of(
    kind: ContractKind,
    amount: str,
    *,
    period: Period = JANUARY,
    full_period: Period | None = None,
    currency: str = "EUR",
) -> ContractTerms:
    """The terms of a contract with one period."""
    one = CommitmentPeriod(
        period=period,
        full_period=full_period or period,
        commitment=Money.rounded(Decimal(amount), currency),
    )
    recorded = ContractTermsRecorded(
        contract_id="con_1",
        customer_id="cus_1",
        name="Frame",
        kind=kind,
        currency=currency,
        time_zone="UTC",
        periods=(one,),
        subscription_ids=None,
        overage=None,
        volume_discounts=(),
        termination_fee=None,
        recorded_at=period.start,
    )
    return ContractTerms(recorded)


def months(first: datetime, count: int) -> list[Period]:
    """Calendar months, the first one with an instant."""
    starts = [
        datetime(first.year, first.month + number, 1, tzinfo=first.tzinfo) for number in range(count + 1)
    ]
    return [Period(start, end) for start, end in pairwise(starts)]
