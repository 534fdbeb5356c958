"""`tollhouse verify`: rebuilds all read models from history and compares them with the live ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from projections.audit.postgres import postgres_snapshot
from projections.audit.report import AuditReport, Difference, Progress, unseen
from projections.audit.verify import verify as audit
from projections.engine.cache.key_prefix import cache_prefix
from projections.engine.cache.redis import RedisCache
from shared.framework.messaging.feed import FeedUnavailable
from shared.framework.messaging.feed_http import HttpFeeds
from shared.framework.messaging.positions_ahead import CURE
from tollhouse.cli.output import (
    DEFAULT_FOLDER,
    FAILED,
    AsJson,
    Folder,
    console,
    errors,
    fail,
    print_json,
    run,
    running_installation,
)
from tollhouse.credentials import Credentials
from tollhouse.quiescence import NotQuiescent, wait_until_quiescent
from tollhouse.recovery.inspection import inspect_dsns
from tollhouse.recovery.positions import Contradiction
from tollhouse.running_installation import RunningInstallation
from tollhouse.servers.topics import PARTITIONS


def verify(folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """Rebuild every read model from the feeds, compare it with the live one, and check the conservation laws.

    Exit 1 and print every difference if there is one.
    """
    installation, credentials = running_installation(folder), Credentials(folder / "keys")
    with progress_line(visible=errors.is_terminal and not as_json) as progress:
        report = run(run_audit(installation, credentials, progress))
    if as_json:
        print_json({"ok": report.ok} | asdict(report))
    else:
        show(report)
    raise typer.Exit(0 if report.ok else FAILED)


@contextmanager
def progress_line(*, visible: bool) -> Iterator[Progress]:
    """A line on standard error that says what is being done, during the block."""
    if not visible:
        yield unseen
        return
    with errors.status("verify") as status:
        yield lambda doing: status.update(f"verify: {escape(doing)}")


async def run_audit(
    installation: RunningInstallation, credentials: Credentials, progress: Progress = unseen
) -> AuditReport:
    """Wait until everything is processed, then audit with the rights of the database owner."""
    token_file = credentials.service_token_file
    try:
        progress("waiting until everything is processed")
        contradictions = (await inspect_dsns(installation.owner_dsns)).contradictions
        await wait_until_quiescent(installation.urls, token_file.read_text())
        report = await _audit(installation, token_file, progress)
        report.differences[:0] = map(_difference, contradictions)
        return report
    except (NotQuiescent, FeedUnavailable) as reason:
        fail(f"nothing was verified: {reason}")


def _difference(contradiction: Contradiction) -> Difference:
    known = contradiction.known
    what = f"{known.holder} at {known.position}"
    return Difference(f"positions of {known.context}", "*", what, f"{contradiction}: {CURE}")


async def _audit(installation: RunningInstallation, token_file: Path, progress: Progress) -> AuditReport:
    owner = installation.owner_dsns["projections"]
    feeds = HttpFeeds(installation.urls, token_file)
    cache = RedisCache(installation.redis_url, await cache_prefix(owner))
    try:
        async with postgres_snapshot(owner, "projections") as snapshot:
            return await audit(snapshot, feeds, PARTITIONS, cache, progress)
    finally:
        await feeds.close()
        await cache.close()


def show(report: AuditReport) -> None:
    """Print what was compared and what differs, with the verdict on the last line."""
    title = "Read models, rebuilt from history"
    table = Table("", title=title, box=None, title_justify="left", pad_edge=False)
    table.add_column("rows", justify="right")
    table.add_column("digest")
    for model, rows in report.rows.items():
        table.add_row(model, f"{rows:,}", report.digests[model][:16])
    console.print(table)
    counts = ", ".join(f"{context} {n:,}" for context, n in report.events.items())
    console.print("events compared:", counts, soft_wrap=True)
    for difference in report.differences:
        errors.print(f"  {difference}", style="red", highlight=False, soft_wrap=True, markup=False)
    found = len(report.differences)
    verdict = "ok" if report.ok else f"{found} difference{'s' if found > 1 else ''}"
    console.print(f"[bold]verify: {verdict}[/bold]", highlight=False)
