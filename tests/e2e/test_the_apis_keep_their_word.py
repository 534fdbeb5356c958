"""Every service's live OpenAPI document, taken at its word: what it promises is what is answered."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
import schemathesis
from schemathesis import HookContext
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import CoverageScenario
from schemathesis.schemas import BaseSchema

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY, open_business
from tollhouse.client import Client
from tollhouse.demo.playback import advance
from tollhouse.topology import SERVICES

EXAMPLES_MAX = 8
TENANT = "word"
OF_TIME = "word-of-time"  # time is moved about where nothing is that could fall due for centuries
# A batch is taken whatever its events are: each that is bad is refused by itself, and reported in a 200.
EXCUSED = {("POST /v1/events", "negative_data_rejection")}
_OF_A_SUBSCRIPTION = "POST /v1/subscriptions/{subscription_id}"
# What needs a subscription in one certain state, which these questions have ended by then; with their story.
SHOWN_ELSEWHERE = {
    f"{_OF_A_SUBSCRIPTION}/change": "test_a_subscription_changes.py",
    f"{_OF_A_SUBSCRIPTION}/changes/{{change_id}}/withdraw": "test_a_subscription_changes.py",
    f"{_OF_A_SUBSCRIPTION}/pause": "test_a_subscription_changes.py",
    f"{_OF_A_SUBSCRIPTION}/resume": "test_a_subscription_changes.py",
    f"{_OF_A_SUBSCRIPTION}/reactivate": "test_a_subscription_changes.py",
    f"{_OF_A_SUBSCRIPTION}/coupons": "test_a_coupon_reduces_invoices.py",
    f"{_OF_A_SUBSCRIPTION}/coupons/{{code}}/remove": "test_a_coupon_reduces_invoices.py",
}
Case: TypeAlias = schemathesis.Case[Any]
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REFUSED_FOR_ITS_SHAPE = {"request-invalid", "body-not-json", "idempotency-key-invalid", "usage-is-not-json"}


FEE = {"key": "fee", "name": "Fee", "price": {"model": "flat", "amount": "9.00"}}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def known(installation: Installation) -> dict[str, Any]:
    """Ids of what is there and words that mean something: what gets past the first refusals."""
    async with installation.client(TENANT) as client:
        customer_id = await open_business(client)
        start = {"customer_id": customer_id, "plan_key": "standard", "subject": "another"}
        subscription = await client.command("subscriptions", "/v1/subscriptions", start, key="another")
        owed = await an_owed_invoice(client)
        await periods_that_cannot_be_billed(client, customer_id)
        await installation.settled()
        failed = await client.graphql("{ billingRuns(status: failed) { edges { node { id } } } }")
        return {
            "customer_id": customer_id,
            "plan_key": "standard",
            "currency": "EUR",
            "gateway": "sandbox",
            "token": "tok_ok",
            "meter": "calls",
            "from": "2026-01-01T00:00:00Z",
            "to": "2026-02-01T00:00:00Z",
            "subscription_id": subscription["subscription_id"],
            "invoice_id": await a_draft(client, customer_id),
            "owed_invoice_id": owed,
            "run_id": failed["billingRuns"]["edges"][0]["node"]["id"],
            "charges": [FEE],  # a random list of prices is hardly ever one that can be published
            "interval": "P1M",
            "trial": None,
            "entitlements": [],
        }


async def a_draft(client: Client, customer_id: str) -> str:
    """An invoice that nobody has finalized."""
    line = {"description": "Setup", "quantity": "1", "unit_price": "5.00"}
    one_off = {"customer_id": customer_id, "lines": [line]}
    answer = await client.command("invoicing", "/v1/invoices", one_off, key=f"for-{customer_id}")
    invoice_id: str = answer["invoice_id"]
    return invoice_id


async def periods_that_cannot_be_billed(client: Client, customer_id: str) -> None:
    """Those of a subscription that began last year, to a plan whose fee is more than an invoice may have."""
    fee = {"key": "fee", "name": "Fee", "price": {"model": "flat", "amount": "9" * 20}}
    plan = {"key": "dear", "name": "Dear", "currency": "EUR", "interval": "P1M", "charges": [fee]}
    await client.command("subscriptions", "/v1/plans", plan, key="dear")
    start = {"customer_id": customer_id, "plan_key": "dear", "starts_at": "2025-11-01T00:00:00Z"}
    await client.command("subscriptions", "/v1/subscriptions", start, key="dear-start")
    await advance(client, JANUARY + timedelta(hours=2))


async def an_owed_invoice(client: Client) -> str:
    """One that is tried again and again: its customer's card always declines."""
    debtor = {"external_id": "debtor", "currency": "EUR", "time_zone": "UTC"}
    answer = await client.command("subscriptions", "/v1/customers", debtor, key="debtor")
    customer_id: str = answer["customer_id"]
    card = {"customer_id": customer_id, "gateway": "sandbox", "token": "tok_soft"}
    await client.command("payments", "/v1/payment-methods", card, key="debtors-card")
    invoice_id = await a_draft(client, customer_id)
    await client.command("invoicing", f"/v1/invoices/{invoice_id}/finalize", {}, key="finalize")
    return invoice_id


@schemathesis.check
def what_is_valid_is_not_refused_for_its_shape(_: CheckContext, response: Response, case: Case) -> None:
    """The domain may say no to a valid request; the reader of the request may not.

    Except for text that is not in normalization form C: OpenAPI has no word for that.
    """
    if is_valid(case) and response.status_code >= 400 and "normalization" not in response.text:
        assert response.json()["code"] not in REFUSED_FOR_ITS_SHAPE


@schemathesis.check
def every_refusal_names_itself(_: CheckContext, response: Response, case: Case) -> None:
    """RFC 9457, with a code, whatever is wrong."""
    if response.status_code >= 400 and case.method != "HEAD":
        problem = response.json()
        assert problem["type"] == f"urn:tollhouse:refusal:{problem['code']}"
        assert problem["status"] == response.status_code


def is_valid(case: Case) -> bool:
    """Whether it was made to be what the document asks for."""
    return case.meta is not None and case.meta.generation.mode.is_positive


def lacks_something(case: Case) -> bool:
    """Whether a parameter was left out on purpose; such a case must be sent as it is."""
    return getattr(case.meta and case.meta.phase.data, "scenario", None) is CoverageScenario.MISSING_PARAMETER


def document(installation: Installation, service: str, tenant: str) -> BaseSchema:
    """What a service says of itself now, and how it is asked: bounded, and always the same questions."""
    schema = schemathesis.openapi.from_url(f"{installation.addresses.urls[service]}/openapi.json")
    config = schema.config
    config.phases.stateful.enabled = False
    config.generation.update(max_examples=EXAMPLES_MAX, deterministic=True, database="none")
    headers = {"Authorization": f"Bearer {installation.client(tenant).token}"}
    config.update(continue_on_failure=True, headers=headers)
    # The domain may refuse what is valid: see our own check, which asks for more than this one.
    config.checks.update(excluded_check_names=["positive_data_acceptance"])
    config.checks.negative_data_rejection.expected_statuses = ["4XX"]
    choose = schema.include if tenant == OF_TIME else schema.exclude
    return choose(path_regex="/test-clock")


def as_we_write(value: Any) -> Any:
    """A value without characters beyond the basic plane, and with 1 for 1.0.

    The document excludes no unprintable character there. JSON Schema calls 1.0 an integer; we take no
    fractions, and OpenAPI has no word for that.
    """
    if isinstance(value, float):
        return int(value)
    if isinstance(value, str):
        return re.sub("[\U00010000-\U0010ffff]", "x", value)
    if isinstance(value, dict):
        return {as_we_write(key): as_we_write(part) for key, part in value.items()}
    return [as_we_write(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def asked_well(known: dict[str, Any]) -> Iterator[None]:
    """A new key for each command; for what is valid every other time ids of what is there."""
    numbers = count()

    def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
        number = next(numbers)
        there = known | {"invoice_id": known["owed_invoice_id"]} if case.path.endswith("/collect") else known
        if case.path.endswith("/void") and case.path_parameters == {"invoice_id": known["owed_invoice_id"]}:
            case.path_parameters["invoice_id"] = known["invoice_id"]  # payments is to collect the other one
        key = case.headers.get("Idempotency-Key")
        if isinstance(key, str) and KEY.fullmatch(key) and not lacks_something(case):
            case.headers["Idempotency-Key"] = f"word-{number}"
        if is_valid(case):
            for part in (case.path_parameters, case.query, case.body):
                if isinstance(part, dict):
                    part.update(as_we_write(part))
                    part.update({name: there[name] for name in part.keys() & there.keys() if number % 2})

    schemathesis.hook(before_call)
    yield
    schemathesis.hooks.unregister(before_call)


def outcome_of(events: Iterator[EngineEvent]) -> tuple[list[str], dict[str, set[int]]]:
    """The failures, as text, and the statuses that each operation answered with."""
    wrong: list[str] = []
    statuses: dict[str, set[int]] = {}
    for event in events:
        match event:
            case ScenarioFinished(recorder=recorder):
                wrong += failures(recorder)
                answers = (one.response.status_code for one in recorder.interactions.values() if one.response)
                statuses.setdefault(recorder.label, set()).update(answers)
            case NonFatalError(value=error) | FatalError(exception=error):
                wrong.append(repr(error))
    return wrong, statuses


def failures(recorder: ScenarioRecorder) -> list[str]:
    """Each failed check with the request that reproduces it."""
    failed = [one for checks in recorder.checks.values() for one in checks if one.failure_info]
    return [
        f"{recorder.label}: {one.failure_info.failure}\n{one.failure_info.code_sample}"
        for one in failed
        if one.failure_info and (recorder.label, one.name) not in EXCUSED
    ]


@pytest.mark.timeout(400)  # questions are made from the whole document, and that of prices is large
@pytest.mark.parametrize(
    ("service", "tenant"), [*((service.name, TENANT) for service in SERVICES), ("subscriptions", OF_TIME)]
)
@pytest.mark.usefixtures("asked_well")
def test_what_the_document_says_is_what_is_answered(
    installation: Installation, service: str, tenant: str
) -> None:
    """No 5xx, nothing undeclared, nothing unlike its schema; the invalid is refused, the valid does work."""
    schema = document(installation, service, tenant)
    wrong, statuses = outcome_of(iter(from_schema(schema).execute()))
    assert not wrong, "\n\n".join(dict.fromkeys(wrong))
    idle = [label for label, seen in statuses.items() if min(seen) >= 300 and label not in SHOWN_ELSEWHERE]
    assert all((Path(__file__).parent / story).is_file() for story in SHOWN_ELSEWHERE.values())
    assert len(statuses) == schema.statistic.operations.selected
    assert not idle, f"never did anything: {idle} of {statuses}"


async def test_whatever_was_asked_for_nothing_is_parked_and_history_adds_up(
    installation: Installation,
) -> None:
    """What the services accept, all of them can live with: void drafts, odd plans, refunds in a row."""
    await installation.settled()
    assert json.loads(installation.tollhouse("dlq", "list", "--json")) == []
    installation.tollhouse("verify")
