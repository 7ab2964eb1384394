"""`tokens`: manage API tokens."""

import argparse
import datetime as dt
import json

from trail.access_log import log
from trail.accounts import roles
from trail.accounts.api_tokens import DEFAULT_DAYS, Tokens, path_of
from trail.cli.command import Command, add_actions, add_json
from trail.cli.context import Context
from trail.cli.tables import table


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = add_actions(parser)
    add = actions.add_parser("add", help="create a token; its secret is shown only once")
    add.add_argument("name", help="name of the token")
    add.add_argument("--role", choices=roles.ROLES, required=True, help="role of the token")
    add.add_argument(
        "--scope",
        action="append",
        choices=roles.SCOPES,
        help="read: /api and /metrics (default); export: downloads; may be repeated",
    )
    add.add_argument(
        "--days", type=int, default=DEFAULT_DAYS, metavar="N", help="days until it expires"
    )
    add_json(add)
    add_json(actions.add_parser("list", help="print the tokens, never their secrets"))
    revoke = actions.add_parser("revoke", help="revoke a token immediately")
    revoke.add_argument("name", help="name of the token")


def _run(args: argparse.Namespace, context: Context) -> int:
    tokens, out = Tokens(path_of(context.settings)), context.out
    now = dt.datetime.now(dt.UTC)
    if args.action == "list":
        if args.json:
            out.text("".join(json.dumps(token.to_dict(now)) + "\n" for token in tokens.all()))
            return 0
        rows = [
            (
                token.name,
                token.role,
                "+".join(token.scopes),
                f"{'expired' if token.is_expired(now) else 'until'} {token.ends_at[:10]}",
                token.used_on or "never",
            )
            for token in tokens.all()
        ]
        out.text(table(("name", "role", "scopes", "validity", "last used"), rows))
        return 0
    if args.action == "revoke":
        tokens.revoke(args.name)
        log.record("token_revoked", log.COMMAND_LINE, what=args.name)
        out.text(f"revoke: {args.name}\n")
        return 0
    scopes = tuple(args.scope or ("read",))
    token, secret = tokens.add(args.name, args.role, scopes, args.days, now)
    text = f"{token.role}, {' and '.join(token.scopes)}, until {token.ends_at[:10]}"
    log.record("token_added", log.COMMAND_LINE, what=token.name, detail=text)
    if args.json:
        out.text(json.dumps({**token.to_dict(now), "token": secret}) + "\n")
    else:
        out.text(f"{secret}\n")
        out.note(
            f"The token {token.name} ({text}). The secret is not shown again; store it safely.\n"
        )
    return 0


COMMAND = Command(
    help="manage API tokens",
    run=_run,
    arguments=_arguments,
    examples=("tokens add ci --role manager --scope read --days 30", "tokens revoke ci"),
    json=False,
    runs_in="files",
    # These record themselves.
    log_kinds={"add": None, "revoke": None},
)
