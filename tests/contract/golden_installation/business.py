"""The business that the installation holds: three tenants, told through the public interface.

`harbor` lives by a test clock and has one customer for each thing that can become of an invoice; `mill` lives
by a test clock, and each process has a dead letter of it; `river` lives in real time.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tollhouse.client import Client

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
SAVED_AT = datetime(2026, 3, 12, 0, 20, tzinfo=UTC)
"""Where harbor's clock stands: within the hour of grace after kiyo's third week."""

WAITS_MAX = 16
"""Positions that one request may wait for."""

METERS: Sequence[dict[str, Any]] = (
    {"key": "calls", "event_type": "api.call", "aggregation": "count", "group_by": ["region"]},
    {"key": "eu_calls", "event_type": "api.call", "aggregation": "count", "filter": {"region": ["eu"]}},
    {"key": "gigabytes", "event_type": "transfer", "aggregation": "sum", "value_path": "gigabytes"},
    {"key": "users", "event_type": "login", "aggregation": "unique_count", "value_path": "user"},
)
LATE_METER: dict[str, Any] = {
    "key": "gigabytes_by_region",
    "event_type": "transfer",
    "aggregation": "sum",
    "value_path": "gigabytes",
    "group_by": ["region"],
}
"""Defined at the end: the installation is saved while this meter catches up with the past."""


def flat(key: str, amount: str) -> dict[str, Any]:
    """A fee per period."""
    return {"key": key, "name": key, "price": {"model": "flat", "amount": amount}}


def per_unit(meter: str, unit_price: str) -> dict[str, Any]:
    """A price per counted unit."""
    price = {"model": "per_unit", "unit_price": unit_price}
    return {"key": meter, "name": meter, "meter_key": meter, "price": price}


TIERS = [
    {"up_to": "100", "unit_price": "0.10"},
    {"up_to": "1000", "unit_price": "0.08", "flat_fee": "1.00"},
    {"up_to": None, "unit_price": "0.05"},
]
GRADUATED = {
    "key": "gigabytes",
    "name": "gigabytes",
    "meter_key": "gigabytes",
    "price": {"model": "graduated", "tiers": TIERS},
}


def plan(key: str, currency: str, interval: str, *charges: Any) -> dict[str, Any]:
    """The body of POST /v1/plans."""
    return {"key": key, "name": key, "currency": currency, "interval": interval, "charges": list(charges)}


HARBOR_PLANS = (
    plan("standard", "EUR", "P1M", flat("fee", "9.00")),  # its second version is what is subscribed to
    plan(
        "standard", "EUR", "P1M",
        flat("fee", "10.00"), per_unit("calls", "0.015"), GRADUATED, per_unit("users", "2.00"),
    ),
    plan("basic", "EUR", "P1M", flat("fee", "5.00"), per_unit("eu_calls", "0.02")),
    plan("weekly", "JPY", "P1W", flat("fee", "500"), per_unit("calls", "3.5")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Who:
    """A customer: zone, plan, card. The card's token says what becomes of its charges."""

    zone: str
    plan: str
    token: str | None
    currency: str = "EUR"
    anchor_at: datetime = JANUARY


HARBOR: Mapping[str, Who] = {
    "acme": Who("Europe/Berlin", "standard", "tok_ok"),
    "bolt": Who("America/New_York", "basic", "tok_soft-ok"),  # declined, paid at the second attempt
    "crux": Who("UTC", "basic", "tok_timeout_after-ok"),  # unknown, then found to be paid; ends in February
    "dune": Who("UTC", "basic", "tok_hard"),  # given up
    "echo": Who("UTC", "basic", "tok_ok-refund_timeout"),  # February's invoice is voided: a refund
    "flux": Who("UTC", "basic", None),  # has no card
    "gale": Who("UTC", "basic", "tok_timeout_before"),  # charged when asked again; cancelled within a period
    "kiyo": Who("UTC", "weekly", "tok_ok", "JPY", datetime(2026, 2, 19, tzinfo=UTC)),
}


@dataclass(slots=True)
class Tenant:
    """Drives one tenant and remembers what must be found again."""

    client: Client
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, str] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def command(self, context: str, path: str, body: Any, key: str) -> dict[str, Any]:
        """A command whose answer is kept to the byte."""
        content = msgspec.json.encode(body)
        headers = {
            "authorization": f"Bearer {self.client.token}",
            "content-type": "application/json",
            "idempotency-key": key,
        }
        if self.client.positions:
            headers["tollhouse-wait-for"] = ", ".join([*self.client.positions.values()][-WAITS_MAX:])
        url = self.client.urls[context] + path
        answer = await self.client.http.post(url, content=content, headers=headers)
        assert answer.is_success, answer.text
        position = answer.headers.get("tollhouse-position")
        for one in (position or "").split(", "):
            if one:
                self.client.positions[one.rpartition(":")[0]] = one
        told = {"context": context, "path": path, "key": key, "body": content.decode()}
        self.commands.append(
            {**told, "status": answer.status_code, "answer": answer.text, "position": position}
        )
        decoded: dict[str, Any] = answer.json()
        return decoded

    async def start_clock(self, now: datetime) -> None:
        """Take the tenant out of real time."""
        await self.command("subscriptions", "/v1/test-clock", {"now": now}, "clock")

    async def advance(self, to: datetime) -> None:
        """Move its clock."""
        await self.command("subscriptions", "/v1/test-clock/advance", {"to": to}, f"advance-{to:%Y%m%dT%H%M}")

    async def tax(self) -> None:
        """19 % on everything."""
        body = {"name": "VAT", "rate": "0.19", "source": "golden installation"}
        await self.client.command("invoicing", "/v1/tax-rate", body, method="PUT")

    async def welcome(self, name: str, who: Who) -> None:
        """A customer with card and subscription."""
        body = {"external_id": name, "currency": who.currency, "time_zone": who.zone}
        answer = await self.command("subscriptions", "/v1/customers", body, f"customer-{name}")
        self.customers[name] = answer["customer_id"]
        if who.token is not None:
            await self.card(name, who.token)
        start = {
            "customer_id": self.customers[name],
            "plan_key": who.plan,
            "anchor_at": who.anchor_at,
        }
        answer = await self.command("subscriptions", "/v1/subscriptions", start, f"subscription-{name}")
        self.subscriptions[name] = answer["subscription_id"]

    async def card(self, name: str, token: str) -> None:
        """The card of the customer's next attempts."""
        card = {"customer_id": self.customers[name], "gateway": "sandbox", "token": token}
        await self.command("payments", "/v1/payment-methods", card, f"card-{name}-{token}")

    async def cancel(self, name: str, at: str) -> None:
        """End a subscription: `now` or `period_end`."""
        path = f"/v1/subscriptions/{self.subscriptions[name]}/cancel"
        await self.command("subscriptions", path, {"at": at}, f"cancel-{name}")

    async def draft(self, name: str, what: str, price: str) -> str:
        """A one-off invoice, not finalized; its id."""
        line = {"description": what, "quantity": "2", "unit_price": price}
        body = {"customer_id": self.customers[name], "lines": [line]}
        answer = await self.command("invoicing", "/v1/invoices", body, f"draft-{name}-{what}")
        self.invoices[what] = answer["invoice_id"]
        return self.invoices[what]

    async def bill(self, name: str, what: str, price: str) -> str:
        """A one-off invoice of twice the price, finalized; its id."""
        invoice_id = await self.draft(name, what, price)
        await self.command("invoicing", f"/v1/invoices/{invoice_id}/finalize", {}, f"finalize-{what}")
        return invoice_id

    async def void(self, invoice_id: str, reason: str) -> None:
        """Take an invoice back."""
        path = f"/v1/invoices/{invoice_id}/void"
        await self.command("invoicing", path, {"reason": reason}, f"void-{invoice_id}")

    def event(self, kind: str, who: str, at: datetime, /, **data: str | float) -> bytes:
        """An encoded CloudEvent with an id of its own."""
        number = next(self.numbers)
        told = {"specversion": "1.0", "type": kind, "source": "golden", "subject": who, "id": f"e{number}"}
        return msgspec.json.encode({**told, "time": at, "data": data})

    async def send(self, events: Sequence[bytes]) -> dict[str, Any]:
        """One batch of usage."""
        return await self.client.send_events(list(events))


def month_of_acme(tenant: Tenant, first: datetime) -> list[bytes]:
    """80 calls from the EU and 50 from the US, 30 GB, two users."""
    at = first + timedelta(days=4)
    calls = [tenant.event("api.call", "acme", at, region="eu") for _ in range(80)]
    calls += [tenant.event("api.call", "acme", at, region="us") for _ in range(50)]
    transfers = [tenant.event("transfer", "acme", at, region="eu", gigabytes="12.5") for _ in range(2)]
    transfers.append(tenant.event("transfer", "acme", at, region="eu", gigabytes=5))
    logins = [tenant.event("login", "acme", at + timedelta(hours=n), user=f"u{n % 2}") for n in range(5)]
    return calls + transfers + logins


async def send_faulty_usage(tenant: Tenant) -> None:
    """Events that are rejected, repeated, contradicted, and counted by no meter."""
    at = JANUARY + timedelta(days=6)
    good = tenant.event("transfer", "acme", at, region="us", gigabytes=1)
    conflict = good.replace(b'"gigabytes":1', b'"gigabytes":2')
    unreadable = tenant.event("transfer", "acme", at, region="us", gigabytes="plenty")
    future = tenant.event("api.call", "acme", at + timedelta(days=90), region="eu")
    no_subject = b'{"specversion":"1.0","type":"api.call","source":"golden","time":"2026-01-05T00:00:00Z"}'
    first = await tenant.send([good, unreadable, future, no_subject, b'{"specversion":"0.3"}'])
    second = await tenant.send([good, conflict])
    assert (first["accepted"], first["rejected"]) == (2, 3), first
    assert (second["duplicates"], second["conflicts"]) == (1, 1), second
