import asyncio
import hashlib
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import ChangeSet, ClockChange, CommitReceipt
from shared.framework.http.read_your_writes import PositionToken, position_tokens
from shared.framework.http.tests.doubles import NOON, Setting
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import EXAMPLES, response_at
from shared.framework.testing.store_examples import key as idempotency_key


async def test_a_command_without_a_key_is_refused_before_anything_happens() -> None:
    """A retry of it could not be told from a second command."""
    setting = Setting()
    answer = await setting.post(key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")
    assert setting.hooks.effects == 0


async def test_a_key_with_a_space_or_without_end_is_refused() -> None:
    """Keys are stored: they are short, visible text."""
    setting = Setting()
    for key in ("two words", "x" * 256, ""):
        answer = await setting.post(key=key)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-invalid"), key


async def test_a_missing_key_is_named_even_when_the_body_is_wrong_too() -> None:
    """The caller learns first what makes the command safe to repeat."""
    answer = await Setting().post(key=None, name=5)
    assert answer.json()["code"] == "idempotency-key-missing"


async def test_the_same_request_again_is_answered_with_the_same_bytes() -> None:
    """Also the position is the one of the first time; the replay says that it is one."""
    setting = Setting()
    first = await setting.post()
    setting.clock.move(timedelta(hours=1))
    again = await setting.post()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["tollhouse-position"] == first.headers["tollhouse-position"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await setting.store.read_stable(0, 10)) == 1


async def test_an_answer_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key the store keeps it; the caller gets the very same, not a second one."""
    made: list[CommitReceipt] = []

    def counted(context: str, receipt: CommitReceipt, partitions: int) -> tuple[PositionToken, ...]:
        made.append(receipt)
        return position_tokens(context, receipt, partitions)

    monkeypatch.setattr("shared.framework.http.command_endpoint.position_tokens", counted)
    answer = await Setting().post()
    assert (answer.status_code, len(made)) == (201, 1)


async def test_a_key_is_bound_to_its_body_its_route_and_its_tenant() -> None:
    """Another body or path under a used key is a mistake (422); another tenant's key is another key."""
    setting = Setting()
    await setting.post("t1")
    other_body = await setting.post("t1", name="y")
    other_path = await setting.post("t2")
    other_tenant = await setting.post("t3", who="stranger")
    assert [other_body.status_code, other_path.status_code] == [422, 422]
    assert other_body.json()["code"] == "idempotency-key-reused"
    assert other_tenant.status_code == 201


@settings(max_examples=25)
@given(
    name=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
    lines=st.lists(st.fixed_dictionaries({"minor": st.integers(-(2**63), 2**63 - 1)}), max_size=3),
    indent=st.sampled_from([None, 0, 3]),
    is_ascii=st.booleans(),
    is_reversed=st.booleans(),
)
async def test_a_key_is_bound_to_what_the_body_says(
    name: str, lines: list[dict[str, int]], indent: int | None, is_ascii: bool, is_reversed: bool
) -> None:
    """Spaces, the order of keys and the spelling of characters are not what the client means."""
    setting, body = Setting(), {"name": name, "currency": "EUR", "lines": lines}
    first = await setting.send(json.dumps(body).encode())
    turned = dict(reversed(body.items())) if is_reversed else body
    again = await setting.send(json.dumps(turned, indent=indent, ensure_ascii=is_ascii).encode())
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    other = await setting.send(json.dumps({**body, "lines": [*lines, {"minor": 1}]}).encode())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert setting.hooks.effects == 1


async def test_a_key_of_before_is_known_by_the_bytes_of_its_body() -> None:
    """Keys were bound to bytes alone: a retry across the upgrade is answered, not refused."""
    setting, body = Setting(), b'{"name":  "x"}'
    text = b"POST", b"/v1/things/t1", b"", body
    of_before = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in text)).digest()
    stored = idempotency_key("k", tenant="acme", fingerprint=of_before, canonical=b"none")
    await setting.store.claim(stored, NOON)
    await setting.store.commit(ChangeSet(response=(stored, response_at)))
    assert (await setting.send(body)).headers["idempotency-replayed"] == "true"


async def test_a_hundred_equal_posts_at_once_have_one_effect() -> None:
    """Whoever is not the first gets its very bytes, or is told to ask again in a moment."""
    setting = Setting()
    answers = await asyncio.gather(*(setting.post() for _ in range(100)))
    late = await setting.post()
    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(waiting) == 100
    assert {answer.content for answer in [*done, late]} == {done[0].content}
    assert all(answer.headers["retry-after"] == "1" for answer in waiting)
    assert {answer.json()["code"] for answer in waiting} <= {"idempotency-key-in-flight"}
    assert len(await setting.store.read_stable(0, 200)) == 1


async def test_a_refused_command_gives_its_key_back() -> None:
    """The caller may correct what was wrong and use the same key."""
    setting = Setting()

    async def fail() -> None:
        raise ConnectionResetError

    setting.hooks.before_commit = fail
    assert (await setting.post()).status_code == 503
    setting.hooks.before_commit = setting.hooks.nothing
    assert (await setting.post()).status_code == 201


class DiesBetween(MemoryEventStore):
    """A process that claims a key and is then killed before, or just after, its commit."""

    commits_first = False
    dead = True

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        if not self.dead:
            return await super().commit(changes)
        if self.commits_first:
            await super().commit(changes)
        raise asyncio.CancelledError  # nothing behind this line runs: no release, no answer


async def killed_mid_command(*, commits_first: bool) -> Setting:
    clock = FakeClock()
    store = DiesBetween("subscriptions", clock, EXAMPLES)
    store.commits_first = commits_first
    setting = Setting(store=store)
    setting.clock = clock
    try:
        await setting.post()
    except asyncio.CancelledError:
        store.dead = False
    assert not store.dead
    return setting


async def test_a_crash_before_the_commit_leaves_the_key_claimed_for_its_lease_only() -> None:
    """Nothing was written; after the lease the same key does the work."""
    setting = await killed_mid_command(commits_first=False)
    early = await setting.post()
    assert (early.status_code, early.json()["code"]) == (409, "idempotency-key-in-flight")
    assert len(await setting.store.read_stable(0, 10)) == 0
    lease_over = Setting(store=setting.store)
    lease_over.clock.move(timedelta(seconds=61))
    assert (await lease_over.post()).status_code == 201
    assert len(await setting.store.read_stable(0, 10)) == 1


async def test_a_crash_that_is_seen_frees_the_key_at_once() -> None:
    """The process that claimed it is gone, and everybody can tell."""
    setting = await killed_mid_command(commits_first=False)
    setting.store.end_owner()
    assert (await setting.post()).status_code == 201


async def test_a_crash_after_the_commit_still_leads_to_the_stored_answer() -> None:
    """The answer was written with the events, so the retry gets it and does nothing."""
    setting = await killed_mid_command(commits_first=True)
    answer = await setting.post()
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "true")
    assert answer.json()["id"] == "t1"
    assert len(await setting.store.read_stable(0, 10)) == 1


async def test_a_command_happens_at_the_moment_of_the_tenants_test_clock() -> None:
    """And its event says so, with who did it and why."""
    setting = Setting()
    next_year = NOON + timedelta(days=365)
    await setting.store.commit(ChangeSet(clocks={"acme": ClockChange(next_year)}))
    answer = await setting.post(key="k9")
    (record,) = await setting.store.read_stable(0, 10)
    assert answer.json()["seen_at"] == "2027-03-01T12:00:00Z"
    assert (record.metadata.occurred_at, record.metadata.test_clock) == (next_year, True)
    assert (record.metadata.actor, record.metadata.causation_id) == ("acme-agent", "k9")
    assert record.metadata.correlation_id == answer.headers["x-correlation-id"]


async def test_a_route_that_is_idempotent_by_itself_needs_no_key() -> None:
    """PUT twice is PUT twice; with a key it is done once."""
    setting = Setting()
    headers = {"authorization": "Bearer writer"}
    for extra in ({}, {}, {"idempotency-key": "k"}, {"idempotency-key": "k"}):
        answer = await setting.client.put("/v1/things/t1", headers=headers | extra)
        assert answer.status_code == 200
    assert len(await setting.store.read_stable(0, 10)) == 3


async def test_the_answer_tells_how_far_history_has_come() -> None:
    """context:partition:position, so that a reader can wait for it."""
    setting = Setting()
    answer = await setting.post()
    (record,) = await setting.store.read_stable(0, 10)
    assert answer.headers["tollhouse-position"] == f"subscriptions:{record.slot % 4}:{record.position}"
