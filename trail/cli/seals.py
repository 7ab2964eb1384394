"""The commands `verify` and `seal`."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from trail.cli.context import Context
from trail.cli.retention import existing_store
from trail.core.errors import InputError, IntegrityError
from trail.integrity import acceptance, seal_status, sealing, verification
from trail.integrity.verification import UNCHANGED, VALID_STATES, Report
from trail.storage.database import utc_now

_MADE_BY = "command line"


def verify(args: argparse.Namespace, context: Context) -> int:
    """Check every sealed day and print the problems; then seal closed days."""
    store = context.store(False)
    against = context.folder / args.against if args.against else None
    progress = None if args.json else lambda share: _progress(context, share)
    report = verification.verify(store, context.settings, against=against, progress=progress)
    sealed = 0
    if store.path == context.settings.store.path.absolute():
        try:
            sealed = sealing.seal(store, context.settings, utc_now())
        except IntegrityError as problem:
            if report.ok:
                raise
            context.out.note(f"trail: {problem}\n")
        seal_status.store_report(store, report)
    if args.json:
        context.out.text(json.dumps(_report(report, sealed)) + "\n")
    else:
        context.out.note("\r\x1b[K")
        context.out.text(_report_text(report, sealed))
    return 0 if report.ok else 1


def seal(args: argparse.Namespace, context: Context) -> int:
    """Seal closed days, or accept the days that verification reports, with a reason."""
    store = existing_store(context)
    if args.accept:
        if not args.reason.strip():
            raise InputError("--accept requires a reason.", "Add --reason TEXT.")
        state, days = "accepted", acceptance.accept(store, context.settings, args.reason, _MADE_BY)
    else:
        state, days = "sealed", sealing.seal(store, context.settings, utc_now())
    text = json.dumps({state: days}) if args.json else f"{days:,} days {state}"
    context.out.text(f"{text}\n")
    return 0


def _report(report: Report, sealed: int) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "checked_days": len(report.days),
        "problems": [
            {**asdict(problem), "day": problem.day.isoformat() if problem.day else None}
            for problem in report.problems
        ],
        "days": [{**asdict(day), "day": day.day.isoformat()} for day in report.days],
        "sealed_to": report.sealed_to.isoformat() if report.sealed_to else None,
        "seals": report.seals,
        "sealed_now": sealed,
        "unsealed_days": report.unsealed_days,
        "verified_at": f"{report.verified_at.isoformat()}Z",
        "took_s": report.took_s,
    }


def _report_text(report: Report, sealed: int) -> str:
    lines = [
        f"{problem.day or 'no day'!s:<10}  {problem.problem:<20}  {problem.count:>10,}  "
        f"{problem.text}"
        for problem in report.problems
    ]
    lines += [
        f"{day.day}  {day.state:<20}  {day.purged:>10,}  {day.reason}"
        for day in report.days
        if day.state in VALID_STATES and day.state != UNCHANGED
    ]
    valid = sum(day.state in VALID_STATES for day in report.days)
    lines.append(
        f"{len(report.days):,} sealed days checked in {report.took_s:.1f} s: {valid:,} valid, "
        f"{len(report.problems):,} problems; {sealed:,} days sealed now"
    )
    return "\n".join(lines) + "\n"


def _progress(context: Context, share: float) -> None:
    filled = int(share * 24)
    context.out.note(f"\r[{'#' * filled}{'.' * (24 - filled)}] {share:4.0%}  verifying")
