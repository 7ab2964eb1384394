"""The commands that work on the store: load, pull, events, facets, export, status, incidents.

Each is one function from parsed arguments to an exit code: 0 is well, 1 is failed. They run here or
inside the server (see context), with the same words.
"""

import argparse
import contextlib
import datetime as dt
import json
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from trail.access_log import log
from trail.cli import backup, evidence, findings, incidents, retention, seals
from trail.cli.context import Context
from trail.core import registry
from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.core.model import EVENT_COLUMNS, Batch, Feed
from trail.events import counts, store_status
from trail.events import export as exports
from trail.events.events import LISTED
from trail.ingest import polling
from trail.ingest.files import files, load_files
from trail.integrity import high_water_mark, mirror
from trail.storage.database import Store, utc_now
from trail.storage.filters import Filter

_TABLE = ("occurred_at", "action", "target_name", "actor_name", "actor_id", "outcome")


def load(args: argparse.Namespace, context: Context) -> int:
    """Load files and folders; print what was kept, duplicate and quarantined."""
    mapping = read_mapping(context.folder / args.mapping) if args.mapping else {}
    paths = [context.folder / path for path in args.paths]
    files(paths)  # what is not there must not make a database
    with contextlib.ExitStack() as stack:
        store = _rehearsal(context, stack) if args.dry_run else context.store(True)
        return _load(args, context, store, paths, mapping)


def _rehearsal(context: Context, stack: contextlib.ExitStack) -> Store:
    """Return the store to compare with: an empty one where there is none yet."""
    try:
        return context.store(False)
    except InputError:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        store = Store.open(Path(folder) / "empty.duckdb", context.settings)
        stack.callback(store.close)
        return store


def pull(args: argparse.Namespace, context: Context) -> int:
    """Poll every configured feed; print what was kept."""
    feeds = [feed for feed in registry.of_kind(Feed) if feed.configured(context.settings)]
    if not feeds:
        names = " or ".join(feed.setting_hint for feed in registry.of_kind(Feed))
        raise InputError("No source is configured for polling.", f"Set {names}.")
    now = utc_now()
    since = Filter.parse(f"from={args.since}").window(dt.datetime.now(dt.UTC)).start
    batches = []
    for feed in feeds:
        batch = polling.pull(
            context.store(True),
            context.settings,
            feed,
            now,
            since=since if args.since else None,
            sweep=args.sweep,
            progress=None if args.json else lambda share, batch: _progress(context, share, batch),
        )
        batches.append(batch)
        if not args.json:
            context.out.note("\r\x1b[K")
            context.out.text(_sentence(batch, dry_run=False) + "\n")
    if args.json:
        context.out.text(json.dumps(_report(batches)) + "\n")
    return 1 if any(batch.error for batch in batches) else 0


def _load(
    args: argparse.Namespace,
    context: Context,
    store: Store,
    paths: list[Path],
    mapping: dict[str, str],
) -> int:
    batches = []
    for batch in load_files(
        store,
        context.settings,
        paths,
        mapping=mapping,
        dry_run=args.dry_run,
        progress=None if args.json else lambda share, batch: _progress(context, share, batch),
    ):
        batches.append(batch)
        if not args.json:
            context.out.note("\r\x1b[K")
            context.out.text(_sentence(batch, dry_run=args.dry_run) + "\n")
    if args.json:
        context.out.text(json.dumps(_report(batches)) + "\n")
    elif len(batches) > 1:
        total = _report(batches)
        context.out.text(
            f"{len(batches)} files: {total['read']:,} read = {total['kept']:,} kept + "
            f"{total['duplicates']:,} duplicates + {total['quarantined']:,} quarantined\n"
        )
    return 1 if any(batch.error and not batch.skipped for batch in batches) else 0


def events(args: argparse.Namespace, context: Context) -> int:
    """Print events, newest first: one JSON object a line, or a table."""
    store = context.store(False)
    chosen = exports.Export(
        Filter.parse(args.query), "ndjson", EVENT_COLUMNS if args.json else LISTED
    )
    now = dt.datetime.now(dt.UTC)
    if not args.json:
        context.out.text("\t".join(_TABLE) + "\n")
    for data in exports.stream(store, chosen, now, limit=args.limit):
        text = data.decode()
        context.out.text(text if args.json else _rows(text))
    return 0


def facets(args: argparse.Namespace, context: Context) -> int:
    """Print the values of each facet with their counts, most first."""
    found = counts.facets(context.store(False), Filter.parse(args.query), dt.datetime.now(dt.UTC))
    if args.json:
        answer = {
            name: [{"value": each.value, "count": each.count} for each in values]
            for name, values in found.items()
        }
        context.out.text(json.dumps(answer) + "\n")
        return 0
    for name, values in found.items():
        context.out.text(f"{name}\n")
        for each in values:
            context.out.text(f"  {each.count:>10,}  {_plain(each.label)}\n")
    return 0


def export(args: argparse.Namespace, context: Context) -> int:
    """Write all chosen events to a file; its ending chooses the format."""
    path = context.folder / args.out
    kind = args.format or path.suffix.lstrip(".").lower()
    columns = tuple(args.columns.split(",")) if args.columns else _columns_of(kind)
    chosen = exports.Export(Filter.parse(args.query), kind, columns)
    now = dt.datetime.now(dt.UTC)
    store = context.store(False)
    tally = Tally()
    try:
        with path.open("wb") as file:
            for data in exports.stream(store, chosen, now, tally=tally):
                file.write(data)
                tally.sent(data)
    except OSError as error:
        raise InputError(
            f"{args.out}: {error.strerror}.", "Name a file that can be written."
        ) from error
    rows, size = tally.rows, tally.size
    log.record(
        "exported",
        log.COMMAND_LINE,
        what=str(path),
        detail=chosen.filter.query(),
        file_format=kind,
        rows=rows,
        size=size,
        digest=tally.digest,
    )
    report = {"out": str(path), "format": kind, "rows": rows, "bytes": size}
    context.out.text(
        json.dumps(report) + "\n" if args.json else f"{rows:,} events, {size:,} bytes: {args.out}\n"
    )
    return 0


def show_status(args: argparse.Namespace, context: Context) -> int:
    """Print what the store holds."""
    store = context.store(False)
    found = store_status.status(store)
    sources = [_said(row) for row in store_status.sources(store)]
    where = mirror.files(store.path, context.settings)
    problems = [each.text() for each in high_water_mark.shortfalls(where.known)]
    if args.json:
        context.out.text(json.dumps({**found, "sources": sources, "problems": problems}) + "\n")
    else:
        for name, value in found.items():
            shown = f"{value:,}" if isinstance(value, int) else value or "none"
            context.out.text(f"{name.replace('_', ' '):>18}  {shown}\n")
        for row in sources:
            words = f"failing: {_plain(str(row['failure']))}" if row["failing"] else "well"
            context.out.text(
                f"{row['loader']:>18}  {row['kept']:,} of {row['read']:,} kept, {words}\n"
            )
        for problem in problems:
            context.out.text(f"{problem}\n")
    return 0


def _said(row: dict[str, object]) -> dict[str, object]:
    return {
        name: f"{value.isoformat()}Z" if isinstance(value, dt.datetime) else value
        for name, value in row.items()
    }


COMMANDS: dict[str, Callable[[argparse.Namespace, Context], int]] = {
    "load": load,
    "pull": pull,
    "events": events,
    "facets": facets,
    "export": export,
    "evidence": evidence.evidence,
    "status": show_status,
    "incidents": incidents.incidents,
    "findings": findings.findings,
    "retain": retention.retain,
    "holds": retention.hold,
    "verify": seals.verify,
    "seal": seals.seal,
    "backup": backup.backup,
}


def _columns_of(kind: str) -> tuple[str, ...]:
    return exports.CSV_COLUMNS if kind == "csv" else EVENT_COLUMNS


def read_mapping(path: Path) -> dict[str, str]:
    """Return which column is which field; raises `InputError` for what is no such file."""
    try:
        found = tomllib.loads(path.read_text())
        return {name: str(column) for name, column in found.items()}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path.name}: the mapping cannot be read.",
            'Write one line a field in TOML, such as timestamp = "Date".',
        ) from error


def _report(batches: list[Batch]) -> dict[str, object]:
    if len(batches) == 1:
        return batches[0].report()
    total = {
        name: sum(getattr(batch, name) for batch in batches)
        for name in ("read", "kept", "duplicates", "quarantined")
    }
    last = batches[-1].batch_id if batches else None
    return {**total, "batch_id": last, "files": [batch.report() for batch in batches]}


def _sentence(batch: Batch, *, dry_run: bool) -> str:
    words = (
        f"{_plain(batch.source)}: {batch.read:,} read = {batch.kept:,} kept + "
        f"{batch.duplicates:,} duplicates + {batch.quarantined:,} quarantined"
    )
    if dry_run:
        words += " (dry run, nothing was kept)"
    if batch.skipped:
        return f"Skipped: {_plain(batch.error)}"
    return f"{words}\n  Stopped: {_plain(batch.error)}" if batch.error else words


def _progress(context: Context, share: float, batch: Batch) -> None:
    filled = int(share * 24)
    bar = "#" * filled + "." * (24 - filled)
    context.out.note(f"\r[{bar}] {share:4.0%}  {batch.read:,} read  {_plain(batch.source)[:40]}")


def _rows(lines: str) -> str:
    rows = (json.loads(line) for line in lines.split("\n") if line)
    return "".join(
        "\t".join(_plain(str(row[name] or "")) for name in _TABLE) + "\n" for row in rows
    )


def _plain(text: str) -> str:
    """Return *text* without what a terminal would act on."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
