"""The command about unusual changes: `findings`. Separate from `commands` for its length."""

import argparse
import datetime as dt
import json

from trail.cli.context import Context
from trail.findings import queries
from trail.findings.refresh import refresh
from trail.storage.filters import Filter


def findings(args: argparse.Namespace, context: Context) -> int:
    """Print what the budget lets through, the highest score first; with --all every scored one."""
    store, now = context.store(False), dt.datetime.now(dt.UTC)
    filter_ = Filter.parse(args.query)
    refresh(store, now)
    found = queries.queue(store, filter_, now, a_day=args.budget, everything=args.all)
    if args.json:
        for finding, ids in queries.event_ids(store, found.findings):
            context.out.text(json.dumps(finding.to_dict(ids)) + "\n")
        return 0
    for each in found.findings:
        context.out.text(
            f"{each.day}  {each.score:>5}  {_plain(each.actor_id)}  {each.finding_id}\n"
        )
        for reason in each.reasons:
            context.out.text(f"            {reason.points:>5}  {_plain(reason.text)}\n")
    context.out.text(
        f"{len(found.findings):,} of {found.scored:,} scored findings. "
        f"{found.budget.status_text()}\n"
    )
    return 0


def _plain(text: str) -> str:
    """Return *text* without what a terminal would act on."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
