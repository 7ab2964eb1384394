"""`users`: manage the users of the dashboard."""

import argparse
import getpass
import json
import sys

from trail.accounts.users import ROLES, Users
from trail.cli.command import Command, add_actions, add_json
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.errors import InputError


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = add_actions(parser)
    add = actions.add_parser("add", help="add a user; asks for the password")
    add.add_argument("--name", default="", help="full name")
    add.add_argument("--email", default="", help="email address")
    role = actions.add_parser("role", help="change the role of a user; ends open sessions")
    for action in (add, role):
        action.add_argument("--role", choices=ROLES, required=True, help="role of the user")
    link = actions.add_parser(
        "link", help="link a user to Segment actors, whose activity the user cannot review"
    )
    remove = actions.add_parser("remove", help="remove a user; ends open sessions")
    passwd = actions.add_parser("passwd", help="set a password; asks for it")
    for action in (add, role, link, remove, passwd):
        action.add_argument("username", help="name to sign in with")
    link.add_argument("actors", nargs="*", metavar="ACTOR", help="actor ids; none removes the link")
    add_json(actions.add_parser("list", help="print the users"))


def _run(args: argparse.Namespace, context: Context) -> int:
    users = Users(context.settings.auth.users_path)
    if args.action == "list":
        columns = ("username", "name", "email", "role", "actors")
        rows = [{name: getattr(user, name) for name in columns} for user in users.all()]
        if args.json:
            context.out.text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            listed = [(*list(row.values())[:-1], ", ".join(row["actors"])) for row in rows]
            context.out.text(table(columns, listed))
        return 0
    if args.action == "remove":
        users.remove(args.username)
    elif args.action == "role":
        users.set_role(args.username, args.role)
    elif args.action == "link":
        users.set_actors(args.username, args.actors)
    elif args.action == "passwd":
        users.set_password(args.username, _password())
    else:
        users.add(args.username, args.name or args.username, args.email, args.role, _password())
    context.out.text(f"{args.action}: {args.username}\n")
    return 0


def _password() -> str:
    """Return the typed or piped password; never an argument, which other users can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Repeat password: ") != first:
        raise InputError("The two passwords differ.", "Try again.")
    return first


COMMAND = Command(
    help="manage who may sign in",
    run=_run,
    arguments=_arguments,
    examples=(
        "users add ana --role reviewer",
        "users link ana users/abc123",
        "users list --json",
    ),
    json=False,
    runs_in="files",
    log_kinds={
        "add": "user_added",
        "remove": "user_removed",
        "passwd": "password_set",
        "role": "role_set",
        "link": "linked",
    },
    log_subject=lambda args: (
        args.username,
        ", ".join(args.actors) if args.action == "link" else getattr(args, "role", ""),
    ),
)
