"""Makes databases that were restored to different moments one installation again, while no service runs.

Nothing that a context has is changed or removed. Events that it lost are put back where a copy has them;
what others consumed and no database has any more is taken out of what is derived, or listed.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from services.metering.rollups.postgres import empty_rollups
from shared.billing.contracts import TOPICS
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.port import BrokerFailed
from tollhouse.provision import Databases, provision
from tollhouse.recovery import read_side
from tollhouse.recovery.broker_topics import empty_topics, messages_on
from tollhouse.recovery.copies import LostEvents, lost_events
from tollhouse.recovery.followed_clocks import agree_on_clocks
from tollhouse.recovery.inboxes import leap, move_inboxes
from tollhouse.recovery.inspection import CONNECT_TIMEOUT_S, Inspection, inspect, owner_connections
from tollhouse.recovery.orphans import orphaned_effects
from tollhouse.recovery.put_back import put_back
from tollhouse.recovery.report import EventLine, RecoveryReport
from tollhouse.recovery.restore import refuse_running_services
from tollhouse.topology import SERVICES

CAUSES_BEFORE = timedelta(hours=1)
"""Effects are searched from so long before the end of the shortest history."""

WENT_ON = "the context has written new events since it was restored"

_ENDS_AT = "SELECT max(recorded_at) FROM events"
_NOTE = "INSERT INTO recoveries (last_position, continues_at, report) VALUES ($1, $2, $3)"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReconcileOptions:
    """`bootstrap`: of a broker that outlived the databases (None: it is empty). `services_have_run`: services
    may have written since the databases were restored. `rebuild_usage`: count usage again in any case.
    """

    bootstrap: str | None = None
    services_have_run: bool = True
    rebuild_usage: bool = False


async def reconcile(databases: Databases, options: ReconcileOptions) -> RecoveryReport:
    """Find what does not fit together, mend it, and say what is lost.

    It can be repeated, also after it was interrupted. Raises RestoreRefused while a service is connected.
    """
    admin = await asyncpg.connect(databases.server_url, timeout=CONNECT_TIMEOUT_S)
    try:
        await refuse_running_services(admin)
    finally:
        await admin.close()
    await provision(databases)
    dsns = {service.name: databases.owner_dsn(service.name) for service in SERVICES}
    async with owner_connections(dsns) as connections:
        return await Reconciliation(connections, options).run()


class Reconciliation:
    """One run, over connections with the rights of the databases' owners, by name; see `reconcile`."""

    def __init__(self, connections: Mapping[str, Any], options: ReconcileOptions) -> None:
        self._connections = connections
        self._options = options
        self._report = RecoveryReport()

    async def run(self) -> RecoveryReport:
        """All steps in order; each leaves databases from which the next run can go on."""
        report, connections = self._report, self._connections
        found = await inspect(connections)
        report.contradictions = [str(one) for one in found.contradictions]
        lost = await lost_events(connections, await self._messages())
        went_on = await self._went_on(found, lost)
        for context in TOPICS:  # what is put back may be later than something that no copy has
            report.history_ends_at[context] = await connections[context].fetchval(_ENDS_AT)
        for context, missing in lost.items():
            await self._put_back(context, missing, is_possible=context not in went_on)
        inspection = await inspect(connections)
        await self._usage(inspection, lost, went_on)
        report.rewound = list(await move_inboxes(connections, inspection, went_on=went_on))
        report.rewound += await agree_on_clocks(connections)
        await self._read_side(lost, went_on)
        await self._dead_letters()
        for context in TOPICS:
            report.continues_at[context] = await leap(connections[context], context, found)
        await self._empty_broker()
        report.orphaned = list(await orphaned_effects(connections, self._since()))
        await self._note(inspection)
        return report

    async def _messages(self) -> Sequence[EventRecord]:
        if self._options.bootstrap is None:
            return ()
        try:
            return await messages_on(self._options.bootstrap)
        except BrokerFailed as failure:
            _log.warning("the broker cannot be read", extra={"cause": repr(failure)})
            return ()

    async def _went_on(self, found: Inspection, lost: Mapping[str, LostEvents]) -> Collection[str]:
        """The contexts that may have written events since they were restored to a shorter history."""
        short = {one.known.context for one in found.contradictions if one.known.consumer is not None}
        went_on = set()
        for context, one in lost.items():
            may_have = self._options.services_have_run and (one.records or context in short)
            if one.replaced or (may_have and await self._is_newer(context, one)):
                went_on.add(context)
        return went_on

    async def _is_newer(self, context: str, lost: LostEvents) -> bool:
        """Whether a context has events from after the loss, or nothing says when that was."""
        newest_lost = max((one.recorded_at for one in lost.records.values()), default=None)
        newest = await self._connections[context].fetchval(_ENDS_AT)
        return newest_lost is None or (newest is not None and newest > newest_lost)

    async def _put_back(self, context: str, missing: LostEvents, *, is_possible: bool) -> None:
        if not is_possible:
            self._report.lost += [(EventLine.of(one), WENT_ON) for one in missing.records.values()]
            return
        written, refused = await put_back(self._connections[context], missing)
        self._report.put_back += map(EventLine.of, written)
        self._report.lost += [(EventLine.of(record), reason) for record, reason in refused]

    async def _usage(
        self, inspection: Inspection, lost: Mapping[str, LostEvents], went_on: Collection[str]
    ) -> None:
        """Let metering count again if it has counted usage that ingest does not have."""
        ahead = any(
            one.known.consumer == "metering" and one.known.context == "ingest"
            for one in inspection.contradictions
        )
        if ahead or lost["ingest"].records or "ingest" in went_on or self._options.rebuild_usage:
            async with self._connections["metering"].transaction():
                await empty_rollups(self._connections["metering"])
            self._report.usage_rebuilt = True

    async def _read_side(self, lost: Mapping[str, LostEvents], went_on: Collection[str]) -> None:
        connection = self._connections["projections"]
        await read_side.rename(connection)
        gone = [one.records[position] for one in lost.values() for position in sorted(one.archived)]
        if went_on:
            await read_side.reset(connection)
            self._report.read_side = "emptied: it is read from the feeds again"
        elif gone:
            await read_side.remove_lost_events(connection, gone)
            self._report.read_side = f"rid of {len(gone)} lost events: its rows are folded again"

    async def _dead_letters(self) -> None:
        """Remove dead letters whose event is lost: handling them would be an effect without a cause."""
        still = await lost_events({n: c for n, c in self._connections.items() if n != "projections"})
        for context, one in still.items():
            ids = [record.event_id for record in one.records.values()]
            for connection in self._connections.values():
                done = await connection.execute(
                    "DELETE FROM parked WHERE context = $1 AND event_id = ANY($2)", context, ids
                )
                self._report.dead_letters_removed += int(done.split()[-1])

    async def _empty_broker(self) -> None:
        if self._options.bootstrap is not None:
            await empty_topics(self._options.bootstrap)
            self._report.broker_emptied = True

    def _since(self) -> datetime:
        ends = [instant for instant in self._report.history_ends_at.values() if instant is not None]
        return (
            min(ends, default=datetime.fromisoformat("1970-01-01T00:00:00Z") + CAUSES_BEFORE) - CAUSES_BEFORE
        )

    async def _note(self, inspection: Inspection) -> None:
        told = msgspec.json.encode(asdict(self._report)).decode()
        for context, position in self._report.continues_at.items():
            await self._connections[context].execute(
                _NOTE, inspection.histories[context].last, position, told
            )
