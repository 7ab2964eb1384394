"""The result of `load` and `pull`: counts per batch, as text or JSON."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from trail.cli.context import Context
from trail.core.model import Batch
from trail.core.text import printable

Progress = Callable[[float, Batch], None]


def report_batches(
    context: Context,
    load: Callable[[Progress | None], Iterable[Batch]],
    *,
    json_output: bool,
    dry_run: bool = False,
) -> int:
    """Run *load* with a progress bar, print each batch, and return the exit code."""

    def progress(share: float, batch: Batch) -> None:
        context.out.progress(share, f"{batch.read:,} read  {batch.source[:40]}")

    batches = []
    for batch in load(None if json_output else progress):
        batches.append(batch)
        if not json_output:
            context.out.text(_sentence(batch, dry_run=dry_run) + "\n")
    total = _report(batches)
    if json_output:
        context.out.text(json.dumps(total) + "\n")
    elif len(batches) > 1:
        context.out.text(
            f"{len(batches)} files: {total['read']:,} read = {total['kept']:,} kept + "
            f"{total['duplicates']:,} duplicates + {total['quarantined']:,} quarantined\n"
        )
    return 1 if any(batch.error and not batch.skipped for batch in batches) else 0


def _report(batches: list[Batch]) -> dict[str, Any]:
    if len(batches) == 1:
        return batches[0].report()
    total = {
        name: sum(getattr(batch, name) for batch in batches)
        for name in ("read", "kept", "duplicates", "quarantined")
    }
    last = batches[-1].batch_id if batches else None
    return {**total, "batch_id": last, "files": [batch.report() for batch in batches]}


def _sentence(batch: Batch, *, dry_run: bool) -> str:
    if batch.skipped:
        return f"Skipped: {printable(batch.error)}"
    text = (
        f"{printable(batch.source)}: {batch.read:,} read = {batch.kept:,} kept + "
        f"{batch.duplicates:,} duplicates + {batch.quarantined:,} quarantined"
    )
    if dry_run:
        text += " (dry run, nothing was kept)"
    return f"{text}\n  Stopped: {printable(batch.error)}" if batch.error else text
