"""Customers: registered once; a repetition changes nothing, and another currency is refused."""

from collections import Counter
from collections.abc import Iterator

from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from tests.simulation.capability import Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plan import Step

CURRENCIES = ("USD", "USD", "EUR", "JPY", "KWD")
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")


def plan(life: Life) -> None:
    """Five customers in the first hours."""
    for number in range(5):
        tenant = life.tenants[number % len(life.tenants)]
        at, currency, zone = (
            life.dice.between(60, 4 * 3600),
            life.dice.one_of(CURRENCIES),
            life.dice.one_of(ZONES),
        )
        body = {"external_id": f"c{number}", "currency": currency, "time_zone": zone}
        step = life.add(at, "customers", "register", tenant=tenant, body=body)
        life.note("customer", name=f"c{number}", tenant=tenant, currency=currency, zone=zone, step=step)
        if life.dice.happens(0.2):
            life.add(at + life.dice.between(0, 9000), "customers", "register", tenant=tenant, body=body)
        if life.dice.happens(0.2):
            other = body | {"currency": "GBP"}
            life.add(
                at + life.dice.between(1, 9000), "customers", "register", step, tenant=tenant, body=other
            )


async def register(client: Client, step: Step) -> bool:
    """Remembers the customer's id by tenant and external id."""
    tenant, body = step.arguments["tenant"], step.arguments["body"]
    answer = await client.send(Request("subscriptions", tenant, "POST", "/v1/customers", body, key=step.name))
    if answer.is_ok:
        client.remember("customer", (tenant, body["external_id"]), answer.body)
    return answer.is_ok


def kept(facts: Facts) -> Iterator[str]:
    """Every acknowledged customer is there once, as it was acknowledged."""
    found = {event.customer_id: event for _, event in facts.all(CustomerRegistered)}
    times = Counter(event.customer_id for _, event in facts.all(CustomerRegistered))
    yield from (f"customer {one} is registered {count} times" for one, count in times.items() if count > 1)
    for body in facts.memory.get("customer", {}).values():
        event = found.get(body["customer_id"])
        if event is None or (event.currency, event.time_zone) != (body["currency"], body["time_zone"]):
            yield f"customer {body['customer_id']} was acknowledged as {body}, and is {event}"


CAPABILITY = Capability(
    name="customers", order=10, plan=plan, actions={"register": register}, checks={"I10 customers": kept}
)
