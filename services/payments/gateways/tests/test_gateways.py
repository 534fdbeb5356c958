"""What every gateway promises, asked of the sandbox on both kinds of books."""

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
from services.payments.gateways.sandbox.postgres import open_books
from services.payments.gateways.time_limited import TimeLimitedGateway
from services.payments.tests.stories import DUE, NOON
from shared.billing.money import Money
from shared.framework.testing.fakes import FakeClock

SLOW_BY = timedelta(minutes=10)
SETTINGS = {"TOLLHOUSE_SANDBOX_DATABASE_URL": "{database_url}"}
PAYING_TOKENS = {"sandbox": "tok_ok"}
"""Of each gateway a token whose charge succeeds."""


@pytest.fixture(params=["memory", "postgres"])
def books_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "memory" else str(request.getfixturevalue("database_url"))


@pytest_asyncio.fixture
async def books(books_url: str | None) -> AsyncIterator[SandboxLedger]:
    if books_url is None:
        yield MemorySandboxLedger()
        return
    async with open_books(books_url) as on_postgres:
        yield on_postgres


class Desk:
    """A gateway with a clock to turn, a time limit, and its books to look into."""

    def __init__(self, books: SandboxLedger) -> None:
        self.books = books
        self.clock = FakeClock(NOON)
        self.gateway: PaymentGateway = TimeLimitedGateway(SandboxGateway(books, self.clock, SLOW_BY), 0.2)

    async def take(self, token: str, key: str = "k1", method: str = "pm_1") -> object:
        return await self.gateway.capture(DUE, GatewayPaymentMethod(method, token), key)

    async def look(self, key: str = "k1") -> object:
        return await self.gateway.lookup(key)


@pytest.fixture
def desk(books: SandboxLedger) -> Desk:
    return Desk(books)


async def test_a_key_moves_money_once_and_is_answered_the_same(desk: Desk) -> None:
    """However often it is asked, and looked up."""
    first = await desk.take("tok_ok")
    assert isinstance(first, Captured)
    assert await desk.take("tok_ok") == first == await desk.look()
    assert len(await desk.books.entries()) == 1


async def test_twenty_at_once_under_one_key_are_one_charge(desk: Desk) -> None:
    """All hear the same."""
    answers = await asyncio.gather(*(desk.take("tok_ok") for _ in range(20)))
    assert len(set(answers)) == 1
    assert len(await desk.books.entries()) == 1


async def test_cards_are_declined_for_now_or_for_ever(desk: Desk) -> None:
    """And the answer is kept."""
    assert await desk.take("tok_soft") == Declined("insufficient_funds", False) == await desk.look()
    assert await desk.take("tok_hard", "k2") == Declined("stolen_card", True) == await desk.look("k2")


async def test_each_new_key_of_a_card_takes_the_next_step_and_the_last_repeats(desk: Desk) -> None:
    """`tok_soft-hard-ok`; a repeated key takes none."""
    answers = [await desk.take("tok_soft-hard-ok", key) for key in ("a", "a", "b", "c", "d")]
    assert [type(answer) for answer in answers] == [Declined, Declined, Declined, Captured, Captured]


async def test_every_card_has_a_script_of_its_own(desk: Desk) -> None:
    """Two customers with the same token do not use up each other's steps."""
    assert isinstance(await desk.take("tok_soft-ok", "a", "pm_1"), Declined)
    assert isinstance(await desk.take("tok_soft-ok", "b", "pm_2"), Declined)
    assert isinstance(await desk.take("tok_soft-ok", "c", "pm_1"), Captured)


async def test_a_request_that_was_lost_charges_when_it_is_sent_again(desk: Desk) -> None:
    """No answer, no charge; under the same key it arrives at last, once."""
    assert await desk.take("tok_timeout_before") == UnknownOutcome("no_answer")
    assert await desk.look() == ChargeNotFound()
    assert await desk.take("tok_timeout_before") == await desk.look() == await desk.take("tok_timeout_before")
    assert isinstance(await desk.look(), Captured)


@pytest.mark.parametrize(
    ("token", "cause"), [("tok_timeout_after", "no_answer"), ("tok_error_after", "http_500")]
)
async def test_an_answer_that_was_lost_is_found_by_asking(desk: Desk, token: str, cause: str) -> None:
    """Charged, and not told: looking it up tells, and asking again charges nothing."""
    assert await desk.take(token) == UnknownOutcome(cause)
    assert isinstance(await desk.look(), Captured)
    assert await desk.take(token) == await desk.look()


async def test_a_slow_charge_comes_after_everybody_has_stopped_waiting(desk: Desk) -> None:
    """Until then it cannot be found, and asking again is told to wait; in the end there is one charge."""
    assert await desk.take("tok_slow") == UnknownOutcome("no_answer")
    assert await desk.look() == ChargeNotFound()
    assert await desk.take("tok_slow") == UnknownOutcome("in_progress")
    desk.clock.move(SLOW_BY)
    assert isinstance(await desk.look(), Captured)
    assert await desk.take("tok_slow") == await desk.look()


async def test_money_goes_back_once_per_key(desk: Desk) -> None:
    """The same refund asked twice is one."""
    charge = await desk.take("tok_ok")
    assert isinstance(charge, Captured)
    first = await desk.gateway.refund(charge.reference, DUE, "r1")
    assert isinstance(first, RefundConfirmed)
    assert await desk.gateway.refund(charge.reference, DUE, "r1") == first
    assert [refund.amount for refund in await desk.books.refunds()] == [DUE]


async def test_a_refund_whose_answer_was_lost_is_asked_for_again(desk: Desk) -> None:
    """It was made the first time."""
    charge = await desk.take("tok_refund_timeout")
    assert isinstance(charge, Captured)
    assert await desk.gateway.refund(charge.reference, DUE, "r1") == UnknownOutcome("no_answer")
    assert isinstance(await desk.gateway.refund(charge.reference, DUE, "r1"), RefundConfirmed)
    assert len(await desk.books.refunds()) == 1


async def test_what_was_not_charged_cannot_go_back(desk: Desk) -> None:
    """A defect of the caller's, and loud."""
    with pytest.raises(ChargeIsUnknown):
        await desk.gateway.refund("sbx_0", DUE, "r1")


async def test_a_key_names_one_amount(desk: Desk) -> None:
    """Another amount under the same key is a defect of the caller's."""
    await desk.take("tok_ok")
    with pytest.raises(KeyWasUsedForAnotherAmount):
        await desk.gateway.capture(Money(1, "USD"), GatewayPaymentMethod("pm_1", "tok_ok"), "k1")


async def test_a_key_that_was_never_used_is_not_found(desk: Desk) -> None:
    """Looking moves nothing."""
    assert await desk.look("nobody") == ChargeNotFound()
    assert await desk.books.entries() == []


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
