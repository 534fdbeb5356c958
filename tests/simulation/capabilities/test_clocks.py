"""Test clocks: some tenants have one, which leaps by a second or by weeks; what is refused changes nothing.

A clock leads: by the time of a step of its tenant it has been moved to that time or beyond. So an instant of
the plan means the same for all tenants.
"""

from collections.abc import Iterator
from datetime import datetime

from shared.billing.contracts.metering.meters import UnreadableUsageFound
from shared.billing.contracts.metering.usage_totals import UsageAggregated
from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanceStarted
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plan import Step

HOUR = 3600.0
LEAPS = (1.0, HOUR, 6 * HOUR, DAY, DAY, 3 * DAY, 7 * DAY)
BESIDE_THE_CLOCK = {UsageAggregated.wire_name, UnreadableUsageFound.wire_name}
"""What metering publishes every half second, whatever the clock does meanwhile."""

REFUSED = {
    "back": "test-clock-cannot-go-back",
    "too_far": "test-clock-out-of-range",
    "again": "test-clock-exists",
    "missing": "test-clock-missing",
}


def plan(life: Life) -> None:
    """A tenant's clock is its first step; leaps follow until its time is over, and what must be refused."""
    for tenant in life.tenants:
        wrong: tuple[str, ...] = ("missing",)
        if life.dice.happens(0.4):
            wrong = ("back", "too_far", "again")
            life.opened[tenant] = life.add(life.dice.between(0, 1), "test_clocks", "start", tenant=tenant)
            _leaps(life, tenant)
        for _ in range(life.dice.below(3)):
            at = life.dice.between(60, life.end)
            life.add(at, "test_clocks", "refuse", tenant=tenant, wrong=life.dice.one_of(wrong))


def _leaps(life: Life, tenant: str) -> None:
    """The clock is moved ahead, whole leaps or parts of them, whenever the true time has reached it."""
    dice, clock = life.dice, 0.0
    while clock < life.end:
        at = clock + dice.one_of((1.0, 1.0, HOUR))
        clock = max(clock, at) + dice.one_of(LEAPS) * dice.one_of((1.0, 1.0, dice.random()))
        advance = life.add(at, "test_clocks", "advance", tenant=tenant, to=clock)
        if dice.happens(0.1):
            life.add(at + dice.one_of((0.0, 0.5)), "test_clocks", "advance", advance, tenant=tenant, to=clock)


async def start(client: Client, step: Step) -> bool:
    """Start the clock at the beginning of the world."""
    body = {"now": client.moment(0).isoformat()}
    return await _post(client, step, "/v1/test-clock", body) == ""


async def advance(client: Client, step: Step) -> bool:
    """Remembers where the clock must come, by the step."""
    to = client.moment(step.arguments["to"])
    if await _post(client, step, "/v1/test-clock/advance", {"to": to.isoformat()}):
        return False
    client.remember("advance", step.name, (step.arguments["tenant"], to))
    return True


async def refuse(client: Client, step: Step) -> bool:
    """Remembers with which code a command was refused that no clock may follow."""
    instants = {"back": -DAY, "too_far": 4000 * DAY, "again": HOUR / 7, "missing": DAY}
    wrong = step.arguments["wrong"]
    path, name = ("/v1/test-clock", "now") if wrong == "again" else ("/v1/test-clock/advance", "to")
    code = await _post(client, step, path, {name: client.moment(instants[wrong]).isoformat()})
    client.remember("clock refused", step.name, (wrong, code))
    return True


async def _post(client: Client, step: Step, path: str, body: dict[str, str]) -> str:
    """The code of the refusal; empty if it was not refused."""
    request = Request("subscriptions", step.arguments["tenant"], "POST", path, body, key=step.name)
    answer = await client.send(request)
    return "" if answer.is_ok else answer.code or str(answer.status)


def followed(facts: Facts) -> Iterator[str]:
    """A clock stands where it was sent, in every context, and what had to be refused was."""
    for wrong, code in facts.memory.get("clock refused", {}).values():
        if code != REFUSED[wrong]:
            yield f"the command {wrong!r} on a test clock was answered by {code!r}"
    targets: dict[str, datetime] = {}
    for record, started in facts.all(TestClockAdvanceStarted):
        targets[record.tenant_id] = started.target
    for tenant, to in facts.memory.get("advance", {}).values():
        if targets.get(tenant, to) < to or tenant not in targets:
            yield f"the advance of {tenant} to {to} was acknowledged and is lost"
    for context, clocks in facts.clocks.items():
        for tenant, target in targets.items():
            if context != "projections" and (tenant not in clocks or clocks[tenant].now != target):
                yield f"{tenant} was sent to {target}, and is in {context} at {clocks.get(tenant)}"


def in_order(facts: Facts) -> Iterator[str]:
    """What a leap causes happens in its order: no event of a tenant has an earlier time than the one before.

    Timers that failed until the clock went on without them keep the time for which they were set. After a
    restore, what follows from events that are consumed again keeps the time of its cause; commands do not.
    """
    keys = {request.key for request, _ in facts.answers if request.key}
    latest: dict[tuple[str, str], datetime] = {}
    for record in facts.records:
        if not record.metadata.test_clock or record.tenant_id in facts.left_behind():
            continue
        if record.wire_name in BESIDE_THE_CLOCK:
            continue
        key, occurred_at = (record.context, record.tenant_id), record.metadata.occurred_at
        before = latest.get(key, occurred_at)
        if occurred_at < before and (
            record.metadata.causation_id in keys or not facts.is_after_restore(record)
        ):
            yield (
                f"{record.wire_name} of {record.stream_id} has the time {occurred_at},"
                f" and follows an event of {before}"
            )
        latest[key] = max(before, occurred_at)


CAPABILITY = Capability(
    name="test_clocks",
    order=5,
    plan=plan,
    actions={"start": start, "advance": advance, "refuse": refuse},
    checks={"clocks": followed, "time of consequences": in_order},
)
