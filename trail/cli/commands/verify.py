"""`verify`: check every sealed day."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from trail.cli.command import Command
from trail.cli.context import Context
from trail.core.clock import utc_now, utc_text
from trail.core.errors import InputError, IntegrityError
from trail.integrity import clock_check, cold_verification, seal_status, sealing, verification
from trail.integrity.chain_history import Problem
from trail.integrity.verification import UNCHANGED, VALID_STATES, Report
from trail.storage.duckdb import Store


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--against", default="", metavar="FILE", help="copy of the seals to compare with"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="read all records again and compare them with what pages show, not only a sample",
    )

    parser.add_argument(
        "--cold",
        action="store_true",
        help="verify archived files and digests day by day, from where the last such run stopped",
    )
    parser.add_argument(
        "--restart", action="store_true", help="with --cold: begin at the oldest archived day"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    store = context.store(False)
    if args.restart and not args.cold:
        raise InputError("--restart belongs to --cold.", "Add --cold.")
    if args.cold:
        return _verify_archive(args, context, store)
    against = context.folder / args.against if args.against else None
    progress = None if args.json else lambda share: context.out.progress(share, "verifying")
    report = verification.verify(
        store, context.settings, against=against, full=args.full, progress=progress
    )
    sealed = 0
    if store.path == context.settings.store.path.absolute():
        try:
            sealed = sealing.seal(store, context.settings, utc_now())
        except clock_check.ImplausibleClockError as problem:
            context.out.note(f"trail: {problem}\n")
        except IntegrityError as problem:
            if report.ok:
                raise
            context.out.note(f"trail: {problem}\n")
        seal_status.store_report(store, report)
    if args.json:
        context.out.text(json.dumps(_report(report, sealed)) + "\n")
    else:
        context.out.text(_report_text(report, sealed))
    return 0 if report.ok else 1


def _verify_archive(args: argparse.Namespace, context: Context, store: Store) -> int:
    progress = None if args.json else lambda share: context.out.progress(share, "verifying")
    report = cold_verification.verify(
        store, context.settings, restart=args.restart, progress=progress
    )
    if args.json:
        message = {
            "ok": report.ok,
            "checked_days": report.checked_days,
            "problems": _problems(report.problems),
            "files": report.files,
            "events": report.events,
            "since": report.since and report.since.isoformat(),
            "last": report.last and report.last.isoformat(),
            "complete": report.complete,
            "took_s": report.took_s,
        }
        context.out.text(json.dumps(message) + "\n")
    else:
        since = f" after {report.since}, where the last run stopped" if report.since else ""
        context.out.text(
            _problem_lines(report.problems)
            + f"{report.checked_days:,} archived days ({report.files:,} files, "
            f"{report.events:,} events) checked{since} in {report.took_s:.1f} s: "
            f"{len(report.problems):,} problems\n"
        )
    return 0 if report.ok else 1


def _problems(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [
        {**asdict(problem), "day": problem.day.isoformat() if problem.day else None}
        for problem in problems
    ]


def _problem_lines(problems: Iterable[Problem]) -> str:
    return "".join(
        f"{problem.day or 'no day'!s:<10}  {problem.problem:<20}  {problem.count:>10,}  "
        f"{problem.text}\n"
        for problem in problems
    )


def _report(report: Report, sealed: int) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "checked_days": len(report.days),
        "problems": _problems(report.problems),
        "days": [{**asdict(day), "day": day.day.isoformat()} for day in report.days],
        "sealed_to": report.sealed_to.isoformat() if report.sealed_to else None,
        "seals": report.seals,
        "sealed_now": sealed,
        "unsealed_days": report.unsealed_days,
        "verified_at": utc_text(report.verified_at),
        "took_s": report.took_s,
    }


def _report_text(report: Report, sealed: int) -> str:
    lines = [
        f"{day.day}  {day.state:<20}  {day.purged:>10,}  {day.reason}"
        for day in report.days
        if day.state in VALID_STATES and day.state != UNCHANGED
    ]
    valid = sum(day.state in VALID_STATES for day in report.days)
    lines.append(
        f"{len(report.days):,} sealed days checked in {report.took_s:.1f} s: {valid:,} valid, "
        f"{len(report.problems):,} problems; {sealed:,} days sealed now"
    )
    return _problem_lines(report.problems) + "\n".join(lines) + "\n"


COMMAND = Command(
    help="check every sealed day, then seal closed days",
    run=_run,
    arguments=_arguments,
    examples=("verify", "verify --full", "verify --cold", "verify --against seals.ndjson --json"),
    log_kinds={"": "verified"},
)
