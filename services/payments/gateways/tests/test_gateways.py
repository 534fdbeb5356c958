"""The contract of payment gateways, tested on the sandbox with both ledgers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from services.payments.gateways import GATEWAYS
from services.payments.gateways.port import (
    Captured,
    ChargeNotFound,
    Declined,
    GatewayPaymentMethod,
    PaymentGateway,
    RefundConfirmed,
    TokenIsNotOfThisGateway,
    UnknownOutcome,
)
from services.payments.gateways.sandbox.gateway import (
    ChargeIsUnknown,
    KeyWasUsedForAnotherAmount,
    SandboxGateway,
)
from services.payments.gateways.sandbox.ledger import MemorySandboxLedger, SandboxLedger
from services.payments.gateways.sandbox.postgres import open_ledger
from services.payments.gateways.time_limited import TimeLimitedGateway
from services.payments.tests.scenarios import DUE, NOON
from shared.billing.money import Money
from shared.framework.testing.fakes import FakeClock

SLOW_BY = timedelta(minutes=10)
SETTINGS = {"TOLLHOUSE_SANDBOX_DATABASE_URL": "{database_url}"}
PAYING_TOKENS = {"sandbox": "tok_ok"}
"""Of each gateway a token whose charge succeeds."""


@pytest.fixture(params=["memory", "postgres"])
def ledger_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "memory" else str(request.getfixturevalue("database_url"))


@pytest_asyncio.fixture
async def ledger(ledger_url: str | None) -> AsyncIterator[SandboxLedger]:
    if ledger_url is None:
        yield MemorySandboxLedger()
        return
    async with open_ledger(ledger_url) as on_postgres:
        yield on_postgres


class TimedSandbox:
    """A sandbox with a clock, a time limit and a ledger."""

    def __init__(self, ledger: SandboxLedger, limit_s: float = 0.2) -> None:
        self.ledger = ledger
        self.clock = FakeClock(NOON)
        sandbox = SandboxGateway(ledger, self.clock, SLOW_BY)
        self.gateway: PaymentGateway = TimeLimitedGateway(sandbox, limit_s)

    async def capture(self, token: str, key: str = "k1", method: str = "pm_1") -> object:
        return await self.gateway.capture(DUE, GatewayPaymentMethod(method, token), key)

    async def lookup(self, key: str = "k1") -> object:
        return await self.gateway.lookup(key)


@pytest.fixture
def sandbox(ledger: SandboxLedger) -> TimedSandbox:
    return TimedSandbox(ledger)


async def test_a_key_moves_money_once_and_is_answered_the_same(sandbox: TimedSandbox) -> None:
    """A repeated capture and a lookup give the same outcome."""
    first = await sandbox.capture("tok_ok")
    assert isinstance(first, Captured)
    assert await sandbox.capture("tok_ok") == first == await sandbox.lookup()
    assert len(await sandbox.ledger.charges()) == 1


async def test_twenty_at_once_under_one_key_are_one_charge(ledger: SandboxLedger) -> None:
    """All get the same outcome."""
    sandbox = TimedSandbox(ledger, limit_s=5.0)  # on a busy machine the last of twenty waits for long
    outcomes = await asyncio.gather(*(sandbox.capture("tok_ok") for _ in range(20)))
    assert len(set(outcomes)) == 1
    assert len(await sandbox.ledger.charges()) == 1


async def test_cards_are_declined_for_now_or_for_ever(sandbox: TimedSandbox) -> None:
    """A lookup gives the same outcome."""
    assert (
        await sandbox.capture("tok_soft") == Declined("insufficient_funds", False) == await sandbox.lookup()
    )
    assert (
        await sandbox.capture("tok_hard", "k2") == Declined("stolen_card", True) == await sandbox.lookup("k2")
    )


async def test_each_new_key_of_a_card_takes_the_next_step_and_the_last_repeats(sandbox: TimedSandbox) -> None:
    """`tok_soft-hard-ok`; a repeated key takes none."""
    outcomes = [await sandbox.capture("tok_soft-hard-ok", key) for key in ("a", "a", "b", "c", "d")]
    assert [type(outcome) for outcome in outcomes] == [Declined, Declined, Declined, Captured, Captured]


async def test_every_card_has_a_script_of_its_own(sandbox: TimedSandbox) -> None:
    """Two methods with the same token have separate steps."""
    assert isinstance(await sandbox.capture("tok_soft-ok", "a", "pm_1"), Declined)
    assert isinstance(await sandbox.capture("tok_soft-ok", "b", "pm_2"), Declined)
    assert isinstance(await sandbox.capture("tok_soft-ok", "c", "pm_1"), Captured)


async def test_a_request_that_was_lost_charges_when_it_is_sent_again(sandbox: TimedSandbox) -> None:
    """Neither response nor charge; the second call under the same key charges, once."""
    assert await sandbox.capture("tok_timeout_before") == UnknownOutcome("no_answer")
    assert await sandbox.lookup() == ChargeNotFound()
    assert (
        await sandbox.capture("tok_timeout_before")
        == await sandbox.lookup()
        == await sandbox.capture("tok_timeout_before")
    )
    assert isinstance(await sandbox.lookup(), Captured)


@pytest.mark.parametrize(
    ("token", "cause"), [("tok_timeout_after", "no_answer"), ("tok_error_after", "http_500")]
)
async def test_an_answer_that_was_lost_is_found_by_asking(
    sandbox: TimedSandbox, token: str, cause: str
) -> None:
    """A lookup finds the charge, and another capture charges nothing."""
    assert await sandbox.capture(token) == UnknownOutcome(cause)
    assert isinstance(await sandbox.lookup(), Captured)
    assert await sandbox.capture(token) == await sandbox.lookup()


async def test_a_slow_charge_comes_after_everybody_has_stopped_waiting(sandbox: TimedSandbox) -> None:
    """Until then a lookup finds nothing and a capture is in progress; in the end there is one charge."""
    assert await sandbox.capture("tok_slow") == UnknownOutcome("no_answer")
    assert await sandbox.lookup() == ChargeNotFound()
    assert await sandbox.capture("tok_slow") == UnknownOutcome("in_progress")
    sandbox.clock.move(SLOW_BY)
    assert isinstance(await sandbox.lookup(), Captured)
    assert await sandbox.capture("tok_slow") == await sandbox.lookup()


async def test_money_goes_back_once_per_key(sandbox: TimedSandbox) -> None:
    """The same refund requested twice is one."""
    charge = await sandbox.capture("tok_ok")
    assert isinstance(charge, Captured)
    first = await sandbox.gateway.refund(charge.reference, DUE, "r1")
    assert isinstance(first, RefundConfirmed)
    assert await sandbox.gateway.refund(charge.reference, DUE, "r1") == first
    assert [refund.amount for refund in await sandbox.ledger.refunds()] == [DUE]


async def test_a_refund_whose_answer_was_lost_is_asked_for_again(sandbox: TimedSandbox) -> None:
    """It was made the first time."""
    charge = await sandbox.capture("tok_refund_timeout")
    assert isinstance(charge, Captured)
    assert await sandbox.gateway.refund(charge.reference, DUE, "r1") == UnknownOutcome("no_answer")
    assert isinstance(await sandbox.gateway.refund(charge.reference, DUE, "r1"), RefundConfirmed)
    assert len(await sandbox.ledger.refunds()) == 1


async def test_what_was_not_charged_cannot_go_back(sandbox: TimedSandbox) -> None:
    """A defect of the caller raises."""
    with pytest.raises(ChargeIsUnknown):
        await sandbox.gateway.refund("sbx_0", DUE, "r1")


async def test_a_key_names_one_amount(sandbox: TimedSandbox) -> None:
    """Another amount under the same key is a defect of the caller."""
    await sandbox.capture("tok_ok")
    with pytest.raises(KeyWasUsedForAnotherAmount):
        await sandbox.gateway.capture(Money(1, "USD"), GatewayPaymentMethod("pm_1", "tok_ok"), "k1")


async def test_a_key_that_was_never_used_is_not_found(sandbox: TimedSandbox) -> None:
    """A lookup charges nothing."""
    assert await sandbox.lookup("k9") == ChargeNotFound()
    assert await sandbox.ledger.charges() == []


@pytest.mark.parametrize(
    "token", ["", "ok", "tok_", "tok_oks", "tok_ok-", "tok_ok-no", "tok_ok.", "tok_ok x"]
)
def test_a_token_that_is_no_script_is_refused(token: str) -> None:
    """Before anything is stored."""
    with pytest.raises(TokenIsNotOfThisGateway):
        SandboxGateway(MemorySandboxLedger(), FakeClock(NOON), SLOW_BY).check_token(token)


async def test_the_register_opens_gateways_under_their_own_names(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process's own way in; the tables are made when they are not there, and found when they are."""
    for setting, value in SETTINGS.items():
        monkeypatch.setenv(setting, value.format(database_url=database_url))
    for _ in range(2):
        for name, opened in GATEWAYS.items():
            async with opened(FakeClock(NOON), 1.0) as gateway:
                assert gateway.name == name
                assert isinstance(
                    await gateway.capture(DUE, GatewayPaymentMethod("pm_1", PAYING_TOKENS[name]), "k"),
                    Captured,
                )
