"""The commands about API tokens: add, list, revoke. They need no database, so they run anywhere."""

import argparse
import datetime as dt
import json

from trail.access_log import log
from trail.accounts import roles
from trail.accounts.api_tokens import DEFAULT_DAYS, Tokens
from trail.core.output import Out


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Put the actions of `tokens` into *parser*."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a token; its secret is shown this once")
    add.add_argument("name")
    add.add_argument("--role", choices=roles.ROLES, required=True)
    add.add_argument(
        "--scope",
        action="append",
        choices=roles.SCOPES,
        help="read: /api and /metrics; export: downloads; may be given twice (read)",
    )
    add.add_argument("--days", type=int, default=DEFAULT_DAYS, metavar="N")
    listed = actions.add_parser("list", help="print the tokens, never their secrets")
    for each in (add, listed):
        each.add_argument("--json", action="store_true", help="answer as JSON")
    actions.add_parser("revoke", help="end a token at once").add_argument("name")


def run(args: argparse.Namespace, tokens: Tokens, out: Out) -> int:
    """Carry out one action of `tokens`; return the exit code."""
    now = dt.datetime.now(dt.UTC)
    if args.action == "list":
        for token in tokens.all():
            told = token.to_dict(now)
            words = (
                f"{token.name}  {token.role}  {'+'.join(token.scopes)}  "
                f"{'expired' if told['expired'] else 'until'} {token.ends_at[:10]}  "
                f"{'used ' + token.used_on if token.used_on else 'never used'}"
            )
            out.text((json.dumps(told) if args.json else words) + "\n")
        return 0
    if args.action == "revoke":
        tokens.revoke(args.name)
        log.record("token_revoked", log.COMMAND_LINE, what=args.name)
        out.text(f"revoke: {args.name}\n")
        return 0
    scopes = tuple(args.scope or ("read",))
    token, secret = tokens.add(args.name, args.role, scopes, args.days, now)
    words = f"{token.role}, {' and '.join(token.scopes)}, until {token.ends_at[:10]}"
    log.record("token_added", log.COMMAND_LINE, what=token.name, detail=words)
    if args.json:
        out.text(json.dumps({**token.to_dict(now), "token": secret}) + "\n")
    else:
        out.text(f"{secret}\n")
        out.note(f"The token {token.name} ({words}). It is shown this once; keep it safe.\n")
    return 0
