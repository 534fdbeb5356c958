"""Contract suite of event stores: inbox positions, timers, test clocks, idempotency keys, dead letters."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.idempotency import CLAIM_LEASE, KeyBelongsToAnotherRequest, KeyIsInFlight
from shared.framework.eventstore.ports import (
    InboxConflict,
    Store,
    TestClockIsAdvancing,
    TimerAlreadyDone,
    VersionConflict,
)
from shared.framework.eventstore.records import (
    ChangeSet,
    ClockChange,
    StoredResponse,
    TenantActivity,
    TenantClock,
)
from shared.framework.testing.store_examples import (
    NOON,
    STRANGER,
    TENANT,
    append,
    days,
    dead_letter,
    key,
    move,
    response_at,
    timer,
    write,
)


class SideStateContract:
    """Inbox positions, timers, test clocks, idempotency keys and dead letters.

    `end_owner`: ends what owns the present claims, as the end of their process does.
    """

    async def test_an_inbox_mark_moves_only_from_where_it_stands(self, store: Store) -> None:
        """So the effect of a message is written once, however often the message comes."""
        await store.commit(ChangeSet(inbox=[move(5, expected=0), move(3, expected=0, partition=1)]))
        await store.commit(ChangeSet(inbox=[move(9, expected=5)]))
        for expected in (0, 5, 10):
            with pytest.raises(InboxConflict):
                await store.commit(ChangeSet(inbox=[move(12, expected=expected)]))
        stored = await store.inbox("metering")
        assert stored["usage-events", 0] == move(9, expected=5).target
        assert stored["usage-events", 1].position == 3
        assert await store.inbox("invoicing") == {}

    async def test_a_consumer_that_lost_its_place_writes_nothing(self, store: Store) -> None:
        """One inbox position of several has moved: nothing is written."""
        await store.commit(ChangeSet(inbox=[move(5, expected=0)]))
        late = ChangeSet(
            appends=[append("cus_1")],
            inbox=[move(2, expected=0, partition=1), move(6, expected=4)],
            timers=[timer("tmr_1")],
            clocks={TENANT: ClockChange(NOON)},
        )
        with pytest.raises(InboxConflict):
            await store.commit(late)
        assert await store.version(TENANT, "cus_1") == 0
        assert len(await store.inbox("metering")) == 1
        assert await store.due_timers(NOON, 10) == []
        assert await store.test_clock(TENANT) is None

    async def test_of_two_consumers_at_once_one_moves_the_mark(self, store: Store) -> None:
        """Two leaders for a moment: one effect."""
        ways = [store.commit(ChangeSet([append(f"x_{i}")], inbox=[move(5, expected=0)])) for i in range(6)]
        outcomes = await asyncio.gather(*ways, return_exceptions=True)
        assert sum(isinstance(outcome, InboxConflict) for outcome in outcomes) == 5
        assert len(await store.read_stable(0, 10)) == 1

    async def test_a_timer_is_due_when_its_time_has_come(self, store: Store) -> None:
        """Earliest first, whole as it was set, no more than asked for."""
        soon, later = timer("tmr_b", NOON), timer("tmr_a", NOON + days(1))
        await store.commit(ChangeSet(timers=[later, soon]))
        assert await store.due_timers(NOON - timedelta(microseconds=1), 10) == []
        assert await store.due_timers(NOON, 10) == [soon]
        assert await store.due_timers(NOON + days(2), 10) == [soon, later]
        assert await store.due_timers(NOON + days(2), 1) == [soon]

    async def test_a_timer_set_twice_is_set_once(self, store: Store) -> None:
        """The first stands: a redelivered cause cannot move it."""
        await store.commit(ChangeSet(timers=[timer("tmr_1", NOON)]))
        await store.commit(ChangeSet(timers=[timer("tmr_1", NOON + days(3))]))
        assert await store.due_timers(NOON + days(9), 10) == [timer("tmr_1", NOON)]

    async def test_a_timer_is_finished_once(self, store: Store) -> None:
        """The second commit writes nothing."""
        await store.commit(ChangeSet(timers=[timer("tmr_1"), timer("tmr_2")]))
        await store.commit(ChangeSet(timers_done=["tmr_1"]))
        with pytest.raises(TimerAlreadyDone):
            await store.commit(ChangeSet(appends=[append("cus_1")], timers_done=["tmr_2", "tmr_1"]))
        assert await store.version(TENANT, "cus_1") == 0
        assert [t.timer_id for t in await store.due_timers(NOON, 10)] == ["tmr_2"]

    async def test_a_timer_can_be_moved_in_one_commit(self, store: Store) -> None:
        """Finished first, then set anew."""
        await store.commit(ChangeSet(timers=[timer("tmr_1")]))
        await store.commit(ChangeSet(timers=[timer("tmr_1", NOON + days(1))], timers_done=["tmr_1"]))
        assert await store.due_timers(NOON, 10) == []
        assert await store.due_timers(NOON + days(1), 10) == [timer("tmr_1", NOON + days(1))]

    async def test_under_a_test_clock_only_that_clock_counts(self, store: Store) -> None:
        """Even before the first time of that clock is known, whatever the system's clock is."""
        await store.commit(ChangeSet(timers=[timer("tmr_1", NOON + days(30), testing=True)]))
        assert await store.due_timers(NOON + days(99), 10) == []
        await store.commit(
            ChangeSet(clocks={TENANT: ClockChange(NOON + days(29)), STRANGER: ClockChange(NOON + days(99))})
        )
        assert await store.due_timers(NOON + days(99), 10) == []
        await store.commit(ChangeSet(clocks={TENANT: ClockChange(NOON + days(30))}))
        assert await store.due_timers(NOON, 10) == [timer("tmr_1", NOON + days(30), testing=True)]

    async def test_a_timer_of_the_wall_ignores_test_clocks(self, store: Store) -> None:
        """What was set by the system's clock fires by it, also when the tenant got a test clock since."""
        await store.commit(
            ChangeSet(timers=[timer("tmr_1", NOON + days(1))], clocks={TENANT: ClockChange(NOON + days(9))})
        )
        assert await store.due_timers(NOON, 10) == []
        assert len(await store.due_timers(NOON + days(1), 10)) == 1

    async def test_a_test_clock_never_goes_back(self, store: Store) -> None:
        """A late message about an earlier hour changes nothing."""
        assert await store.test_clock(TENANT) is None
        await store.commit(ChangeSet(clocks={TENANT: ClockChange(NOON + days(2))}))
        await store.commit(ChangeSet(clocks={TENANT: ClockChange(NOON)}))
        assert await store.test_clock(TENANT) == TenantClock(NOON + days(2))
        assert await store.test_clock(STRANGER) is None

    async def test_a_test_clock_advances_until_it_is_told_to_stand(self, store: Store) -> None:
        """A change that does not name the target leaves it as it is."""
        await store.commit(ChangeSet(clocks={TENANT: ClockChange(NOON, NOON + days(9))}))
        await store.commit(
            ChangeSet(clocks={TENANT: ClockChange(NOON + days(2)), STRANGER: ClockChange(NOON)})
        )
        assert await store.test_clock(TENANT) == TenantClock(NOON + days(2), NOON + days(9))
        assert await store.advancing_tenants() == [TENANT]
        await store.commit(ChangeSet(clocks={TENANT: ClockChange(NOON + days(9), None)}))
        assert await store.test_clock(TENANT) == TenantClock(NOON + days(9))
        assert await store.advancing_tenants() == []

    async def test_a_target_stays_until_the_clock_has_reached_it(self, store: Store) -> None:
        """After a restore earlier advances are followed again, whose ends are not the end of the last one."""
        await store.commit(ChangeSet(clocks={TENANT: ClockChange(NOON, NOON + days(9))}))
        for again in (ClockChange(NOON, NOON + days(3)), ClockChange(NOON + days(3), None)):
            await store.commit(ChangeSet(clocks={TENANT: again}))
            assert await store.test_clock(TENANT) == TenantClock(again.now, NOON + days(9))
        await store.commit(ChangeSet(clocks={TENANT: ClockChange(NOON + days(10), None)}))
        assert await store.test_clock(TENANT) == TenantClock(NOON + days(10))

    @pytest.mark.parametrize("answered", [False, True])
    async def test_what_was_decided_by_another_reading_of_the_clock_is_refused(
        self, store: Store, answered: bool
    ) -> None:
        """When the clock is advancing, has moved, or is not there; nothing of the commit is written."""
        response = (key(), response_at) if answered else None
        if answered:
            await store.claim(key(), NOON)
        for change in (None, ClockChange(NOON, NOON + days(9)), ClockChange(NOON + days(9), None)):
            if change is not None:
                await store.commit(ChangeSet(clocks={TENANT: change}))
            late = ChangeSet([append("cus_1")], clocks_seen={TENANT: NOON}, response=response)
            with pytest.raises(TestClockIsAdvancing):
                await store.commit(late)
        assert await store.version(TENANT, "cus_1") == 0
        await store.commit(
            ChangeSet([append("cus_1")], clocks_seen={TENANT: NOON + days(9)}, response=response)
        )
        assert await store.version(TENANT, "cus_1") == 1

    async def test_who_moves_the_clock_need_not_have_seen_it(self, store: Store) -> None:
        """The stream of the clock's events keeps two such commands apart."""
        moved = ChangeSet(clocks={TENANT: ClockChange(NOON, NOON + days(1))}, clocks_seen={TENANT: NOON})
        await store.commit(moved)
        assert await store.test_clock(TENANT) == TenantClock(NOON, NOON + days(1))

    async def test_a_command_is_before_the_advance_or_refused(self, store: Store) -> None:
        """A command that comes together with an advance: the advance is never what fails."""
        for n in range(20):
            tenant = f"tenant-{n}"
            await store.commit(ChangeSet(clocks={tenant: ClockChange(NOON)}))
            outcomes = await asyncio.gather(
                store.commit(ChangeSet(clocks={tenant: ClockChange(NOON, NOON + days(1))})),
                store.commit(ChangeSet([append(f"cus_{n}", tenant=tenant)], clocks_seen={tenant: NOON})),
                return_exceptions=True,
            )
            assert not isinstance(outcomes[0], BaseException)
            assert not isinstance(outcomes[1], BaseException) or isinstance(outcomes[1], TestClockIsAdvancing)

    async def test_what_a_tenant_has_to_do_is_counted_by_its_clock(self, store: Store) -> None:
        """Its own events after a position, its own due timers, and the next one; nothing of other tenants."""
        assert await store.tenant_activity(TENANT, 0, 4, 3) == TenantActivity(None)
        due = [timer("tmr_1", NOON, testing=True), timer("tmr_2", NOON + days(1), testing=True)]
        later = [timer(f"tmr_{n}", NOON + days(n), testing=True) for n in (4, 3)]
        others = [timer("tmr_5", NOON, tenant=STRANGER, testing=True), timer("tmr_6", NOON)]
        clock = TenantClock(NOON + days(1), NOON + days(9))
        changes = {TENANT: ClockChange(clock.now, clock.target), STRANGER: ClockChange(NOON)}
        await store.commit(ChangeSet(timers=[*due, *later, *others], clocks=changes))
        await write(store, append("cus_1"), append("cus_2", tenant=STRANGER))
        assert await store.settled_position() == 2
        found = await store.tenant_activity(TENANT, 0, 4, 3)
        newest = {partition_of(slot_of("cus_1"), 4): 1}
        assert found == TenantActivity(clock, newest, 2, 0, NOON + days(3))
        assert (await store.tenant_activity(TENANT, 1, 4, 3)).newest == {}
        for _ in range(3):
            await store.postpone("tmr_2", NOON + days(50))
        expected = TenantActivity(clock, {}, 1, 1, NOON + days(3))
        assert await store.tenant_activity(TENANT, 2, 4, 3) == expected

    @pytest.mark.parametrize("testing", [False, True])
    async def test_a_postponed_timer_hides_and_counts(self, store: Store, testing: bool) -> None:
        """By the system's clock, for it is a failure of ours; another timer is not held up."""
        failing, other = timer("tmr_1", testing=testing), timer("tmr_2", testing=testing)
        await store.commit(ChangeSet(timers=[failing, other], clocks={TENANT: ClockChange(NOON)}))
        await store.postpone("tmr_1", NOON + timedelta(seconds=30))
        assert await store.due_timers(NOON + timedelta(seconds=29), 10) == [other]
        assert await store.due_timers(NOON + timedelta(seconds=30), 1) == [replace(failing, attempts=1)]
        await store.postpone("tmr_9", NOON)

    async def test_a_claimed_key_is_ours_until_it_is_answered(self, store: Store) -> None:
        """A second request meanwhile is refused; afterwards it gets the same response."""
        assert await store.claim(key(), NOON) is None
        with pytest.raises(KeyIsInFlight):
            await store.claim(key(), NOON + CLAIM_LEASE - timedelta(seconds=1))
        receipt = await store.commit(ChangeSet(appends=[append("cus_1")], response=(key(), response_at)))
        assert await store.claim(key(), NOON + days(1)) == response_at(receipt)

    async def test_a_key_serves_one_request_only(self, store: Store) -> None:
        """The same key with another body is a mistake of the caller, answered or not."""
        await store.claim(key(), NOON)
        with pytest.raises(KeyBelongsToAnotherRequest):
            await store.claim(key(fingerprint=b"other"), NOON)
        await store.commit(ChangeSet(response=(key(), response_at)))
        with pytest.raises(KeyBelongsToAnotherRequest):
            await store.claim(key(fingerprint=b"other"), NOON + days(1))
        assert await store.claim(key(tenant=STRANGER), NOON) is None

    async def test_of_many_requests_at_once_one_gets_the_key(self, store: Store) -> None:
        """A client that sends twice at once is served once."""
        claims = [store.claim(key(), NOON) for _ in range(8)]
        outcomes = await asyncio.gather(*claims, return_exceptions=True)
        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, KeyIsInFlight) for outcome in outcomes) == 7

    async def test_a_key_given_back_can_be_claimed_again(self, store: Store) -> None:
        """The key of a refused command is free; one with a response keeps it."""
        await store.claim(key(), NOON)
        await store.release(key())
        assert await store.claim(key(fingerprint=b"other"), NOON) is None
        await store.commit(ChangeSet(response=(key(fingerprint=b"other"), response_at)))
        await store.release(key(fingerprint=b"other"))
        assert isinstance(await store.claim(key(fingerprint=b"other"), NOON), StoredResponse)

    async def test_a_claim_of_the_dead_is_taken_over(self, store: Store) -> None:
        """After the lease the key is free; if its first process is still running, that writes nothing."""
        first, second = key(claim_id="clm-1"), key(claim_id="clm-2")
        await store.claim(first, NOON)
        assert await store.claim(second, NOON + CLAIM_LEASE) is None
        with pytest.raises(KeyIsInFlight):
            await store.commit(ChangeSet(appends=[append("cus_1")], response=(first, response_at)))
        await store.commit(ChangeSet(appends=[append("cus_2")], response=(second, response_at)))
        with pytest.raises(KeyIsInFlight):
            await store.commit(ChangeSet(appends=[append("cus_1")], response=(first, response_at)))
        assert await store.version(TENANT, "cus_1") == 0

    async def test_a_claim_whose_owner_is_gone_is_taken_over_at_once(
        self, store: Store, end_owner: Callable[[], Awaitable[None]]
    ) -> None:
        """Its process was killed: the same command sent again does not wait for a lease."""
        await store.claim(key(), NOON)
        with pytest.raises(KeyIsInFlight):
            await store.claim(key(claim_id="clm-2"), NOON)
        await end_owner()
        assert await store.claim(key(claim_id="clm-2"), NOON) is None
        with pytest.raises(KeyIsInFlight):
            await store.claim(key(claim_id="clm-3"), NOON)

    async def test_an_answer_outlives_the_owner_of_its_claim(
        self, store: Store, end_owner: Callable[[], Awaitable[None]]
    ) -> None:
        """What was committed is repeated, whoever did it."""
        await store.claim(key(), NOON)
        receipt = await store.commit(ChangeSet(appends=[append("cus_1")], response=(key(), response_at)))
        await end_owner()
        assert await store.claim(key(claim_id="clm-2"), NOON) == response_at(receipt)

    async def test_who_lost_a_claim_can_neither_answer_nor_release_it(
        self, store: Store, end_owner: Callable[[], Awaitable[None]]
    ) -> None:
        """It was only paused. Also not after the taker was refused: its client has been told so."""
        paused, taker = key(claim_id="clm-1"), key(claim_id="clm-2")
        await store.claim(paused, NOON)
        await end_owner()
        await store.claim(taker, NOON)
        await store.release(paused)
        with pytest.raises(KeyIsInFlight):
            await store.claim(key(claim_id="clm-3"), NOON)
        await store.release(taker)
        with pytest.raises(KeyIsInFlight):
            await store.commit(ChangeSet(appends=[append("cus_1")], response=(paused, response_at)))
        assert await store.version(TENANT, "cus_1") == 0

    async def test_a_request_is_the_same_by_its_bytes_or_by_its_value(self, store: Store) -> None:
        """By its bytes: a key of before has no other hash. By its value: however the client spells it."""
        first = key(fingerprint=b"bytes", canonical=b"value")
        await store.claim(first, NOON)
        await store.commit(ChangeSet(response=(first, response_at)))
        for same in (
            key(fingerprint=b"others", canonical=b"value"),
            key(fingerprint=b"bytes", canonical=b"x"),
        ):
            assert isinstance(await store.claim(same, NOON), StoredResponse)
        with pytest.raises(KeyBelongsToAnotherRequest):
            await store.claim(key(fingerprint=b"others", canonical=b"x"), NOON)

    async def test_old_keys_are_forgotten_a_few_at_a_time(self, store: Store) -> None:
        """Oldest first, answered or not; a key claimed since is kept, and a forgotten one is free."""
        for number in range(4):
            await store.claim(key(f"key-{number}"), NOON + days(number))
        await store.commit(ChangeSet(response=(key("key-0"), response_at)))
        assert await store.delete_expired_keys(NOON, 10) == 0
        assert await store.delete_expired_keys(NOON + days(3), 2) == 2
        assert await store.claim(key("key-0", fingerprint=b"other"), NOON + days(3)) is None
        assert await store.delete_expired_keys(NOON + days(3), 2) == 1
        with pytest.raises(KeyIsInFlight):
            await store.claim(key("key-3"), NOON + days(3))

    async def test_an_answer_is_kept_only_with_its_effect(self, store: Store) -> None:
        """The commit failed: the key is still in flight, not answered."""
        await write(store, append("cus_1"))
        await store.claim(key(), NOON)
        with pytest.raises(VersionConflict):
            await store.commit(ChangeSet(appends=[append("cus_1")], response=(key(), response_at)))
        with pytest.raises(KeyIsInFlight):
            await store.claim(key(), NOON)

    async def test_what_cannot_be_handled_is_parked_whole(self, store: Store) -> None:
        """By position, per consumer, until handled; the same position of two topics is two dead letters."""
        await write(store, append("cus_1"), append("cus_2"))
        first, second = await store.read_stable(0, 10)
        letters = [dead_letter(second), dead_letter(first), dead_letter(first, topic="payments-events")]
        await store.commit(ChangeSet(dead_letters=letters))
        assert await store.dead_letters("metering") == [letters[2], letters[1], letters[0]]
        assert await store.dead_letters() == await store.dead_letters("metering")
        assert await store.dead_letters("invoicing") == []
        assert await store.blocked_streams("metering") == {
            ("usage-events", "cus_1"): 1,
            ("usage-events", "cus_2"): 1,
            ("payments-events", "cus_1"): 1,
        }
        assert await store.blocked_streams("invoicing") == {}
        await store.commit(ChangeSet(handled_dead_letters=[("metering", "usage-events", first.position)]))
        assert await store.dead_letters() == [letters[2], letters[0]]

    async def test_a_dead_letter_is_handled_once(self, store: Store) -> None:
        """Two replays at once: one of them writes nothing at all."""
        await write(store, append("cus_1"))
        (record,) = await store.read_stable(0, 1)
        await store.commit(ChangeSet(dead_letters=[dead_letter(record)]))
        handled = [("metering", "usage-events", record.position)]
        ways = [store.commit(ChangeSet([append(f"x_{i}")], handled_dead_letters=handled)) for i in range(4)]
        outcomes = await asyncio.gather(*ways, return_exceptions=True)
        assert sum(isinstance(outcome, InboxConflict) for outcome in outcomes) == 3
        assert len(await store.read_stable(0, 10)) == 2

    async def test_a_message_parked_again_tells_its_newest_cause(self, store: Store) -> None:
        """Replayed and failed again: one dead letter, not two."""
        await write(store, append("cus_1"))
        (record,) = await store.read_stable(0, 1)
        await store.commit(ChangeSet(dead_letters=[dead_letter(record)]))
        again = ChangeSet(
            dead_letters=[dead_letter(record, cause="still")],
            handled_dead_letters=[("metering", "usage-events", record.position)],
        )
        await store.commit(again)
        assert await store.dead_letters() == [dead_letter(record, cause="still")]
