"""A small service that tests kill and stop: `python -m tests.chaos.slow_service`.

A command takes until the file TOLLHOUSE_SLOW_FILE is gone. A timer of purpose `collect` writes one event.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from fastapi import Response

from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, Identifier
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies
from shared.framework.process.settings import ServiceSettings
from shared.framework.testing.store_examples import EXAMPLES, registered
from shared.framework.timers.timer import TimerHandler

SLOW_FILE = Path(os.environ.get("TOLLHOUSE_SLOW_FILE", "/nonexistent"))

router = command_router("notes:write")


class Note(ApiModel):
    """The body of a response."""

    note_id: str


@router.post("/notes/{note_id}", response_model=Note, status_code=201)
async def post_note(note_id: Identifier, ctx: CommandDep) -> Response:
    """Take a note, slowly."""

    async def take(session: Session, note_id: str) -> str:
        while SLOW_FILE.exists():
            await asyncio.sleep(0.05)
        session.append(note_id, await session.version(note_id), [registered()])
        return note_id

    return await ctx.execute(take, note_id, lambda taken: Note(note_id=taken))


async def collect(session: Session, due: Timer, _: Any) -> None:
    """Write one event for a timer."""
    session.append(f"of_{due.timer_id}", 0, [registered()])


async def build(_: ServiceDependencies[ServiceSettings]) -> ServiceDefinition:
    """The service."""
    return ServiceDefinition(routers=[router], timers={"collect": TimerHandler(decide=collect)})


if __name__ == "__main__":
    run_process("payments", ServiceSettings, build, EXAMPLES)
