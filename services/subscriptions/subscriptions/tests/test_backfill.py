"""Subscriptions that a release without claims on usage has started get theirs before others are started."""

import msgspec

from services.subscriptions.subscriptions.backfill import UsageClaimBackfill
from services.subscriptions.tests.harness import CUSTOMER, PLAN, Harness
from services.subscriptions.tests.scenarios import NOON, STARTED, on
from shared.billing.contracts import decode
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionCancelled
from shared.billing.contracts.subscriptions.usage_claims import UsageClaimed, UsageReleased
from shared.framework.core.event import Event, Metadata
from shared.framework.eventstore.records import Append, ChangeSet

PARTITIONS = 4
METADATA = Metadata(correlation_id="old", actor="acme-agent", occurred_at=NOON)


async def started_by_an_older_release(service: Harness, subscription_id: str, *more: Event) -> None:
    """The events of a subscription of `acme-1`, without any claim."""
    old = msgspec.structs.replace(STARTED, subscription_id=subscription_id, subject="acme-1", starts_at=None)
    append = Append("acme", subscription_id, 0, (old, *more), METADATA)
    await service.store.commit(ChangeSet(appends=[append]))


async def claims(service: Harness) -> list[UsageClaimed | UsageReleased]:
    """The claims and their ends."""
    events = [decode(record.wire_name, record.state) for record in await service.records()]
    return [event for event in events if isinstance(event, UsageClaimed | UsageReleased)]


def cancelled(subscription_id: str) -> SubscriptionCancelled:
    return SubscriptionCancelled(subscription_id=subscription_id, ends_at=on(2, 10), cancelled_at=on(2, 10))


async def test_an_old_subscription_keeps_its_usage() -> None:
    """A new one on the same meter and subject is refused; once the old one is cancelled, it is not."""
    service = Harness()
    await started_by_an_older_release(service, "sub_old")
    await UsageClaimBackfill(service.store, service.clock, PARTITIONS).catch_up()
    await service.define_meters()
    await service.post_ok("/v1/plans", PLAN)
    customer = await service.post_ok("/v1/customers", CUSTOMER)
    body = {"customer_id": customer["customer_id"], "plan_key": "pro"}
    response = await service.post("/v1/subscriptions", body)
    assert response.json()["code"] == "usage-is-billed-already"
    await service.post_ok("/v1/subscriptions/sub_old/cancel", {"at": "now"})
    assert (await service.post("/v1/subscriptions", body)).status_code == 201


async def test_old_subscriptions_that_overlap_keep_what_they_have() -> None:
    """They were accepted; both have a claim, one of which has an end."""
    service = Harness()
    await started_by_an_older_release(service, "sub_1", cancelled("sub_1"))
    await started_by_an_older_release(service, "sub_2")
    await UsageClaimBackfill(service.store, service.clock, PARTITIONS).catch_up()
    found = sorted((type(one).__name__, one.subscription_id) for one in await claims(service))
    assert found == [("UsageClaimed", "sub_1"), ("UsageClaimed", "sub_2"), ("UsageReleased", "sub_1")]


async def test_claims_are_made_once() -> None:
    """By the start itself, by two processes, or by a process that starts again."""
    service = Harness()
    subscription_id = await service.subscribe()
    await service.post_ok(f"/v1/subscriptions/{subscription_id}/cancel", {"at": "period_end"})
    before = await claims(service)
    assert len(before) == 2
    for _ in range(2):
        backfill = UsageClaimBackfill(service.store, service.clock, PARTITIONS)
        await backfill.catch_up()
        assert await backfill.step() == 0
    assert await claims(service) == before
