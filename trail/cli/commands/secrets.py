"""`secrets`: list and remove the secrets that owners entered in the browser, and change the key."""

import argparse
import dataclasses
import json

from trail.accounts.users import Users
from trail.cli.command import Command, add_actions, add_json
from trail.cli.context import Context
from trail.cli.tables import table
from trail.runtime import stored_secrets


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = add_actions(parser)
    add_json(actions.add_parser("list", help="print the names of the secrets, never their values"))
    remove = actions.add_parser("remove", help="remove a secret")
    remove.add_argument("name", help="name of the secret, as listed")
    actions.add_parser(
        "rotate-key", help="replace the key, and encrypt all secrets with the new one"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    settings, out = context.settings, context.out
    if args.action == "remove":
        stored_secrets.remove(settings, args.name)
        out.text(f"Removed: {args.name}\n")
        return 0
    if args.action == "rotate-key":
        users = Users(settings.auth.users_path)
        rotation = stored_secrets.rotate_key(users, settings)
        out.text(f"{rotation.sentence()}\n")
        return 1 if rotation.unreadable else 0
    rows = stored_secrets.stored(settings)
    if args.json:
        listed = [dataclasses.asdict(row) | {"state": row.state} for row in rows]
        out.text("".join(json.dumps(row) + "\n" for row in listed))
    elif not rows:
        out.text("No stored secrets\n")
    else:
        out.text(
            table(
                ("secret", "state", "entered by", "at (UTC)"),
                [(row.name, row.state, row.by, row.at) for row in rows],
            )
        )
    return 0


COMMAND = Command(
    help="manage the secrets entered in the browser",
    run=_run,
    arguments=_arguments,
    examples=("secrets list", "secrets remove forward.secrets.slack", "secrets rotate-key"),
    json=False,
    log_kinds={"remove": "settings", "rotate-key": "settings"},
    log_subject=lambda args: (
        ("key of the stored secrets", "replaced")
        if args.action == "rotate-key"
        else (args.name, "removed")
    ),
)
