"""The commands about seals: verify, and seal. Separate from `commands` for their length."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from trail.desk import Desk
from trail.errors import InputError, IntegrityError
from trail.retention_commands import kept_store
from trail.seals import accepting, checking, sealing, standing
from trail.seals.checking import LAWFUL, UNCHANGED, Report
from trail.store import utc_now

_MADE_BY = "command line"


def verify(args: argparse.Namespace, desk: Desk) -> int:
    """Check every sealed day and print what is wrong; then seal what has closed."""
    store = desk.store(False)
    against = desk.folder / args.against if args.against else None
    progress = None if args.json else lambda share: _progress(desk, share)
    report = checking.verify(store, desk.settings, against=against, progress=progress)
    sealed = 0
    if store.path == desk.settings.store.path.absolute():
        try:
            sealed = sealing.seal(store, desk.settings, utc_now())
        except IntegrityError as problem:
            if report.ok:
                raise
            desk.out.note(f"trail: {problem}\n")
        standing.note(store, report)
    if args.json:
        desk.out.text(json.dumps(_answer(report, sealed)) + "\n")
    else:
        desk.out.note("\r\x1b[K")
        desk.out.text(_words(report, sealed))
    return 0 if report.ok else 1


def seal(args: argparse.Namespace, desk: Desk) -> int:
    """Seal the days that have closed, or accept what verify complains of, with a reason."""
    store = kept_store(desk)
    if args.accept:
        if not args.reason.strip():
            raise InputError("What is accepted needs a reason.", "Add --reason TEXT.")
        done = accepting.accept(store, desk.settings, args.reason, _MADE_BY)
        report = {"accepted": done}
    else:
        report = {"sealed": sealing.seal(store, desk.settings, utc_now())}
    ((word, days),) = report.items()
    desk.out.text(json.dumps(report) + "\n" if args.json else f"{days:,} days {word}\n")
    return 0


def _answer(report: Report, sealed: int) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "checked_days": len(report.days),
        "problems": [
            {**asdict(each), "day": each.day.isoformat() if each.day else None}
            for each in report.problems
        ],
        "days": [{**asdict(each), "day": each.day.isoformat()} for each in report.days],
        "sealed_to": report.sealed_to.isoformat() if report.sealed_to else None,
        "seals": report.seals,
        "sealed_now": sealed,
        "unsealed_days": report.unsealed_days,
        "verified_at": f"{report.verified_at.isoformat()}Z",
        "took_s": report.took_s,
    }


def _words(report: Report, sealed: int) -> str:
    lines = [
        f"{each.day or 'no day'!s:<10}  {each.problem:<14}  {each.count:>10,}  {each.text}"
        for each in report.problems
    ]
    lines += [
        f"{each.day}  {each.state:<14}  {each.purged:>10,}  {each.reason}"
        for each in report.days
        if each.state in LAWFUL and each.state != UNCHANGED
    ]
    good = sum(each.state in LAWFUL for each in report.days)
    lines.append(
        f"{len(report.days):,} sealed days checked in {report.took_s:.1f} s: {good:,} as sealed, "
        f"purged lawfully or restored, {len(report.problems):,} problems; "
        f"{sealed:,} days sealed now"
    )
    return "\n".join(lines) + "\n"


def _progress(desk: Desk, share: float) -> None:
    filled = int(share * 24)
    desk.out.note(f"\r[{'#' * filled}{'.' * (24 - filled)}] {share:4.0%}  checking")
