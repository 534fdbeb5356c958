"""The routes of contracts: what they accept, return and refuse."""

from typing import Any

import pytest

from services.subscriptions.tests.harness import CUSTOMER, Harness
from services.subscriptions.tests.scenarios import DAY, NOON
from shared.billing.contracts import decode
from shared.billing.contracts.subscriptions.contracts import ContractSigned

CONTRACT = {
    "name": "Frame 2026",
    "kind": "postpaid",
    "interval": "P1Y",
    "period_count": 2,
    "commitments": ["10000.00", "12500.00"],
    "overage": {"multiplier": "1.5", "unit_prices": {}},
    "volume_discounts": [{"above": "20000", "rate": "0.05"}],
    "termination_fee": {"amount": None, "share": "0.5"},
}


async def sign(service: Harness, **changes: object) -> Any:
    """The answer to a contract of the customer; None leaves a field out."""
    customer = await service.post_ok("/v1/customers", CUSTOMER)
    body = {"customer_id": customer["customer_id"], **CONTRACT, **changes}
    return await service.post("/v1/contracts", {key: one for key, one in body.items() if one is not None})


async def test_a_contract_is_read_as_it_was_signed() -> None:
    """By its id, and in the list."""
    service = Harness()
    signed = await sign(service)
    assert signed.status_code == 201, signed.text
    contract = signed.json()
    assert {key: contract[key] for key in CONTRACT if key in contract} == {
        key: value for key, value in CONTRACT.items() if key in contract
    }
    assert (contract["status"], contract["currency"], contract["subscription_ids"]) == ("signed", "EUR", None)
    assert contract["periods"] == [
        {"starts_at": "2026-01-31T12:00:00Z", "ends_at": "2027-01-31T12:00:00Z", "commitment": "10000.00"},
        {"starts_at": "2027-01-31T12:00:00Z", "ends_at": "2028-01-31T12:00:00Z", "commitment": "12500.00"},
    ]
    assert await service.get_ok(f"/v1/contracts/{contract['contract_id']}") == contract
    assert await service.get_ok("/v1/contracts") == {"items": [contract], "next_cursor": None}


async def test_a_contract_is_its_customers_own() -> None:
    """Neither another tenant nor another customer reads it."""
    service = Harness()
    contract = (await sign(service)).json()
    path = f"/v1/contracts/{contract['contract_id']}"
    assert (await service.get(path, token="stranger")).status_code == 404
    assert await service.get_ok(path, token="customer") == contract
    other = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": "acme-2"})
    theirs = (await sign(service, customer_id=other["customer_id"])).json()
    assert (await service.get(f"/v1/contracts/{theirs['contract_id']}", token="customer")).status_code == 404
    assert (await service.get("/v1/contracts", token="customer")).status_code == 403


async def test_a_subscription_can_be_under_one_contract_and_then_another() -> None:
    """Named once, however often it is listed."""
    service = Harness()
    subscription_id = await service.subscribe()
    listed = (await sign(service, subscription_ids=[subscription_id] * 2)).json()
    assert listed["subscription_ids"] == [subscription_id]
    refused = await sign(service)
    assert (refused.status_code, refused.json()["code"]) == (409, "contract-overlaps")
    path = f"/v1/contracts/{listed['contract_id']}/terminate"
    ended = await service.post_ok(path, {"ends_at": (NOON + DAY).isoformat()})
    assert (ended["status"], ended["ends_at"]) == ("terminated", "2026-02-01T12:00:00Z")
    assert (await sign(service)).status_code == 409
    assert (await sign(service, starts_at=(NOON + DAY).isoformat())).status_code == 201
    again = await service.post(path, {})
    assert (again.status_code, again.json()["code"]) == (409, "contract-terminated")


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"customer_id": "cus_none"}, 404, "customer-unknown", None),
        ({"customer_id": "plan_none"}, 404, "customer-unknown", None),
        ({"subscription_ids": ["sub_none"]}, 404, "subscription-unknown", "/body/subscription_ids/0"),
        ({"subscription_ids": ["cus_none"]}, 404, "subscription-unknown", "/body/subscription_ids/0"),
        ({"currency": "USD"}, 422, "contract-currency-differs", "/body/currency"),
        ({"starts_at": "2026-01-31T11:59:59Z"}, 422, "contract-start-in-the-past", "/body/starts_at"),
        ({"commitments": ["1", "-1"]}, 400, "amount-negative", "/body/commitments/1"),
        ({"commitments": ["1.001"]}, 400, "amount-not-money", "/body/commitments/0"),
        ({"commitments": ["1"] * 3}, 400, "commitments-exceed-periods", "/body/commitments"),
        ({"kind": "minimum"}, 400, "overage-needs-commitment", "/body/overage"),
        ({"interval": "monthly"}, 400, "interval-invalid", "/body/interval"),
        ({"period_count": 0}, 400, "request-invalid", "/body/period_count"),
        ({"kind": "free"}, 400, "request-invalid", "/body/kind"),
        ({"volume_discounts": [{"above": "1", "rate": "2"}]}, 400, "volume-discounts-invalid", None),
    ],
)
async def test_a_contract_that_cannot_be_is_refused_with_its_field(
    changes: dict[str, object], status: int, code: str, pointer: str | None
) -> None:
    """And nothing is written."""
    service = Harness()
    refused = await sign(service, **changes)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    if pointer is not None:
        assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    kinds = [type(decode(record.wire_name, record.state)) for record in await service.records()]
    assert ContractSigned not in kinds


async def test_subscriptions_of_others_are_refused() -> None:
    """Each customer signs for itself."""
    service = Harness()
    subscription_id = await service.subscribe()
    other = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": "acme-2"})
    body = {"customer_id": other["customer_id"], "subscription_ids": [subscription_id]}
    refused = await sign(service, **body)
    assert (refused.status_code, refused.json()["code"]) == (422, "subscription-of-another-customer")


async def test_a_termination_is_refused_by_name() -> None:
    """Before the start, in the past, after the end, and of what is no contract."""
    service = Harness()
    start = NOON + 2 * DAY
    contract = (await sign(service, starts_at=start.isoformat())).json()
    path = f"/v1/contracts/{contract['contract_id']}/terminate"
    for ends_at, code in [
        (NOON - DAY, "termination-in-the-past"),
        (NOON + DAY, "contract-ends-before-start"),
        (NOON + 800 * DAY, "contract-ended"),
    ]:
        refused = await service.post(path, {"ends_at": ends_at.isoformat()})
        assert refused.json()["code"] == code
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/body/ends_at"]
    for unknown in ("con_none", contract["customer_id"]):
        refused = await service.post(f"/v1/contracts/{unknown}/terminate", {})
        assert (refused.status_code, refused.json()["code"]) == (404, "contract-unknown")
    ended = await service.post_ok(path, {})
    assert ended["ends_at"] == contract["starts_at"] == "2026-02-02T12:00:00Z"
