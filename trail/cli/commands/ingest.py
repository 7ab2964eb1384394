"""`ingest`: accept that parts of an ingest process never arrive."""

import argparse
import json

from trail.cli.command import Command, add_actions, add_json
from trail.cli.context import Context
from trail.core.errors import InputError
from trail.core.text import count
from trail.ingest import nodes


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = add_actions(parser)
    accept = actions.add_parser("accept", help="stop reporting parts that never arrived")
    accept.add_argument("node", metavar="NAME", help="name of the ingest process (store.node)")
    accept.add_argument("--reason", required=True, help="why they are lost")
    add_json(accept)


def _run(args: argparse.Namespace, context: Context) -> int:
    if not args.reason.strip():
        raise InputError("accept requires a reason.", "Add --reason TEXT.")
    accepted = nodes.accept_missing(context.workspace_store(), context.settings, args.node)
    text = f"{count(accepted, 'missing part')} of the ingest process {args.node} accepted"
    context.out.text((json.dumps({"accepted": accepted}) if args.json else text) + "\n")
    return 0


COMMAND = Command(
    help="accept the loss of parts of an ingest process",
    run=_run,
    arguments=_arguments,
    examples=("ingest accept a --reason 'disk of the machine lost'",),
    json=False,
)
