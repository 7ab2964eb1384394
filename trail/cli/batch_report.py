"""The result of `load` and `pull`: counts and reasons per batch, as text or JSON."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from trail.cli.context import Context
from trail.core.model import Batch
from trail.core.text import one_line, printable
from trail.ingest import refusals

Progress = Callable[[float, Batch], None]

NOTHING_KEPT = "trail: No record was kept: all were quarantined.\n"
_COUNTS = ("read", "kept", "duplicates", "quarantined")


def report_batches(
    context: Context,
    load: Callable[[Progress | None], Iterable[Batch]],
    *,
    json_output: bool,
    dry_run: bool = False,
) -> int:
    """Run *load* with a progress bar, print each batch, and return the exit code.

    It is 1 when a source failed, or when records were read and none is in the store afterwards.
    Duplicates count as a success: a file that is loaded again leaves the store as requested.
    """

    def progress(share: float, batch: Batch) -> None:
        context.out.progress(share, f"{batch.read:,} read  {batch.source[:40]}")

    batches = []
    for batch in load(None if json_output else progress):
        batches.append(batch)
        if not json_output:
            context.out.text(_sentence(batch, dry_run=dry_run) + "\n")
    total = refusals.merged(batches)
    if json_output:
        context.out.text(json.dumps(_report(batches, total)) + "\n")
    elif len(batches) > 1:
        context.out.text(f"{len(batches)} files: {_counts(total)}\n")
    if total.read and not (total.kept or total.duplicates):
        context.out.note(NOTHING_KEPT)
        return 1
    return 1 if any(batch.error and not batch.skipped for batch in batches) else 0


def _report(batches: list[Batch], total: Batch) -> dict[str, Any]:
    if len(batches) == 1:
        return batches[0].report()
    report = total.report()
    names = (*_COUNTS, "batch_id", "reasons", "looks_like")
    return {
        **{name: report[name] for name in names},
        "files": [batch.report() for batch in batches],
    }


def _sentence(batch: Batch, *, dry_run: bool) -> str:
    if batch.skipped:
        return f"Skipped: {printable(batch.error)}"
    lines = [f"{printable(batch.source)}: {_counts(batch)}"]
    if dry_run:
        lines[0] += " (dry run, nothing was kept)"
    for reason in batch.report()["reasons"]:
        lines += [
            f"  {reason['count']:,} quarantined: {printable(reason['reason'])}",
            f"    first at {reason['line']:,}: {one_line(reason['sample'])}",
        ]
    if sentence := refusals.sentence(batch):
        lines.append(f"  {sentence}")
    if batch.error:
        lines.append(f"  Stopped: {printable(batch.error)}")
    return "\n".join(lines)


def _counts(batch: Batch) -> str:
    return (
        f"{batch.read:,} read = {batch.kept:,} kept + "
        f"{batch.duplicates:,} duplicates + {batch.quarantined:,} quarantined"
    )
