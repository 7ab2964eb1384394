"""`users`: manage the users of the dashboard."""

import argparse
import datetime as dt
import getpass
import json
import sys
from typing import Any

from trail.access_log import log
from trail.accounts.api_tokens import Tokens, path_of
from trail.accounts.second_factors import SecondFactors
from trail.accounts.users import ROLES, User, Users, end_after
from trail.accounts.users_file import normalize_username
from trail.cli.command import Command, add_actions, add_json
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.errors import InputError

_COLUMNS = ("username", "name", "email", "role", "state", "ends_at", "actors")


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = add_actions(parser)
    add = actions.add_parser("add", help="add a user; asks for the password")
    add.add_argument("--name", default="", help="full name")
    add.add_argument("--email", default="", help="email address")
    role = actions.add_parser("role", help="change the role of a user; ends open sessions")
    for action in (add, role):
        action.add_argument("--role", choices=ROLES, required=True, help="role of the user")
    disable = actions.add_parser("disable", help="refuse sign-in; ends open sessions")
    enable = actions.add_parser("enable", help="allow sign-in again")
    limit = actions.add_parser("limit", help="set the number of days after which the access ends")
    for action, needed in ((add, False), (limit, True)):
        action.add_argument(
            "--days",
            type=int,
            metavar="N",
            required=needed,
            help="days until the access ends; 0 for never" if needed else "days of access",
        )
    factor = actions.add_parser("reset-factor", help="remove the second factor of a user")
    link = actions.add_parser(
        "link", help="link a user to Segment actors, whose activity the user cannot review"
    )
    remove = actions.add_parser("remove", help="remove a user; ends open sessions")
    passwd = actions.add_parser(
        "passwd", help="set a password (prompted); ends open sessions and revokes API tokens"
    )
    passwd.add_argument(
        "--keep-tokens", action="store_true", help="do not revoke the API tokens of the user"
    )
    for action in (add, role, disable, enable, limit, factor, link, remove, passwd):
        action.add_argument("username", help="name to sign in with")
    link.add_argument("actors", nargs="*", metavar="ACTOR", help="actor ids; none removes the link")
    add_json(actions.add_parser("list", help="print the users"))


def _run(args: argparse.Namespace, context: Context) -> int:
    users = Users(context.settings.auth.users_path)
    if args.action == "list":
        now = dt.datetime.now(dt.UTC)
        rows = [_row(user, now) for user in users.all()]
        if args.json:
            context.out.text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            listed = [{**row, "actors": ", ".join(row["actors"])} for row in rows]
            context.out.text(table(_COLUMNS, [tuple(row.values()) for row in listed]))
        return 0
    if args.action == "remove":
        users.remove(args.username)
    elif args.action == "role":
        users.set_role(args.username, args.role)
    elif args.action == "link":
        users.set_actors(args.username, args.actors)
    elif args.action in ("disable", "enable"):
        users.set_disabled(args.username, disabled=args.action == "disable")
    elif args.action == "reset-factor":
        _reset_factor(users, args.username, context)
    elif args.action == "limit":
        users.set_end(args.username, end_after(args.days, dt.datetime.now(dt.UTC)))
    elif args.action == "passwd":
        users.set_password(args.username, _password())
        if not args.keep_tokens:
            _revoke_tokens(users, args.username, context)
    else:
        name = args.name or args.username
        users.add(
            args.username,
            name,
            args.email,
            args.role,
            _password(),
            end_after(args.days, dt.datetime.now(dt.UTC)),
        )
    context.out.text(f"{args.action}: {args.username}\n")
    return 0


def _account(users: Users, username: str) -> str:
    name = normalize_username(username)
    return next((user.account for user in users.all() if user.username == name), "")


def _reset_factor(users: Users, username: str, context: Context) -> None:
    SecondFactors(users, context.settings).remove(_account(users, username))


def _revoke_tokens(users: Users, username: str, context: Context) -> None:
    """Revoke the user's API tokens, which anyone with the old password may have created."""
    for name in Tokens(path_of(context.settings)).revoke_all_of(_account(users, username)):
        log.record("token_revoked", log.COMMAND_LINE, what=name, detail="with a new password")
        context.out.note(f"Revoked the API token {name}.\n")


def _row(user: User, now: dt.datetime) -> dict[str, Any]:
    return {
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "state": "active" if user.is_active(now) else "disabled" if user.disabled else "ended",
        "ends_at": user.ends_at.isoformat() if user.ends_at else "",
        "actors": user.actors,
    }


def _password() -> str:
    """Return the typed or piped password; never an argument, which other users can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Repeat password: ") != first:
        raise InputError("The passwords do not match.", "Try again.")
    return first


def _subject(args: argparse.Namespace) -> str:
    if args.action == "link":
        return ", ".join(args.actors)
    days = f"{args.days} days" if getattr(args, "days", None) else ""
    return ", ".join(filter(None, (getattr(args, "role", ""), days)))


COMMAND = Command(
    help="manage who may sign in",
    run=_run,
    arguments=_arguments,
    examples=(
        "users add ana --role reviewer",
        "users add kim --role auditor --days 30",
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
        "disable": "user_disabled",
        "enable": "user_enabled",
        "limit": "access_limited",
        "reset-factor": "factor_reset",
    },
    log_subject=lambda args: (
        args.username,
        _subject(args),
    ),
)
