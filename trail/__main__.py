"""The commands: `python -m trail ...`. Exit code 0 is well, 1 failed, 2 wrong usage.

Wires everything, and may import everything. A command that needs the store runs in the server when
one runs, since that one owns the database; else it opens the database itself.
"""

import argparse
import contextlib
import json
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from trail import (
    access_log,
    access_waiting,
    boot,
    holds,
    remote,
    runtime,
    settings,
    token_commands,
    tokens,
    weak_setups,
)
from trail.command_notes import note_command
from trail.commands import COMMANDS
from trail.desk import Desk, Out, Terminal
from trail.errors import InputError, SettingError, TrailError
from trail.settings import Settings
from trail.store import Store
from trail.tokens import Tokens
from trail.users import ROLES, Users


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    args = _parser().parse_args(arguments)
    try:
        known = settings.load()
        return _run(args, arguments, known)
    except TrailError as problem:
        print(f"trail: {problem}", file=sys.stderr)
        return 2 if args.command == "serve" and isinstance(problem, SettingError) else 1
    except KeyboardInterrupt:
        print("\ntrail: stopped", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - nothing left to say at exit
        return 0


def run_command(arguments: list[str], folder: Path, out: Out) -> int:
    """Run a store's command inside the server, for a terminal; return its exit code."""
    args = _parser().parse_args(arguments)
    try:
        desk = Desk(
            runtime.current().settings,
            lambda write: boot.real_store() if write else boot.shown_store(),
            out,
            folder,
        )
        code = COMMANDS[args.command](args, desk)
        note_command(args, arguments, code)
        return code
    except TrailError as problem:
        out.note(f"trail: {problem}\n")
    except BrokenPipeError:
        raise
    except Exception:  # the terminal's user cannot see this process's own trace
        error_id = secrets.token_hex(4)
        logging.getLogger("trail").exception("error %s in the command %s", error_id, args.command)
        out.note(f"trail: the command failed; the server's log tells why, at error {error_id}\n")
    return 1


def _run(args: argparse.Namespace, arguments: list[str], known: Settings) -> int:
    if args.command == "serve":
        return _serve(args, known)
    if args.command == "demo":
        return _demo(args)
    with access_log.aside(access_waiting.folder_of(known)):
        return _here_or_there(args, arguments, known)


def _here_or_there(args: argparse.Namespace, arguments: list[str], known: Settings) -> int:
    """Run a command on the files of sign-in, in the server where one runs, or on the store."""
    out = Terminal()
    if args.command == "users":
        code = _users(args, Users(known.auth.users_path))
        note_command(args, arguments, code)
        return code
    if args.command == "tokens":
        return token_commands.run(args, Tokens(tokens.path_of(known)), out)
    note = remote.find(known)
    if note:
        ended = remote.run(note, arguments, Path.cwd(), out)
        if ended is not None:
            return ended
    with _stores(known) as store:
        code = COMMANDS[args.command](args, Desk(known, store, out, Path.cwd()))
        note_command(args, arguments, code)
        return code


class _Stores:
    """Opens a database when a command first asks for it."""

    def __init__(self, known: Settings) -> None:
        self._known = known
        self.opened: list[Store] = []

    def __call__(self, write: bool) -> Store:
        path, demo = (self._known.store.path, False) if write else boot.database(self._known)
        if not write and not path.exists():
            raise InputError(
                "There is no database yet.", "Load a file first: python -m trail load FILE."
            )
        if demo:
            print("trail: this is the demo workspace", file=sys.stderr)
        store = Store.open(path, self._known) if demo else boot.open_real(self._known)
        self.opened.append(store)
        return store


@contextlib.contextmanager
def _stores(known: Settings) -> Iterator[_Stores]:
    stores = _Stores(known)
    try:
        yield stores
    finally:
        for store in stores.opened:
            store.close()


def _serve(args: argparse.Namespace, known: Settings) -> int:
    """Start pages, routes and workers; runs until it is stopped. Refuses a weak set-up."""
    host = args.host or known.server.host
    if wrong := weak_setups.found(known, host):
        for each in wrong:
            print(f"trail: {each}", file=sys.stderr)
        return 2
    from trail.serve import serve  # the web parts take a second to import; commands need none

    return serve(known, host, args.port or known.server.port)


def _demo(args: argparse.Namespace) -> int:
    """Write a believable workspace as NDJSON."""
    from trail import demo  # brings numpy, which no other command needs

    bar = sys.stderr.isatty()

    def progress(done: int) -> None:
        if bar:
            print(f"\r{done:,} of {args.events:,} events", end="", file=sys.stderr)

    try:
        demo.write(Path(args.out), args.events, args.days, args.seed, progress=progress)
    except OSError as error:
        raise InputError(
            f"{args.out}: {error.strerror}.", "Name a file that can be written."
        ) from error
    if bar:
        print(file=sys.stderr)
    report = {"out": args.out, "events": args.events, "days": args.days, "seed": args.seed}
    print(json.dumps(report) if args.json else f"{args.events:,} events: {args.out}")
    return 0


def _users(args: argparse.Namespace, users: Users) -> int:
    if args.action == "list":
        rows = [
            {"username": user.username, "name": user.name, "email": user.email, "role": user.role}
            for user in users.all()
        ]
        for row in rows:
            print(json.dumps(row) if args.json else "  ".join(row.values()))
        return 0
    if args.action == "remove":
        users.remove(args.username)
    elif args.action == "role":
        users.set_role(args.username, args.role)
    elif args.action == "passwd":
        users.set_password(args.username, _password())
    else:
        users.add(args.username, args.name or args.username, args.email, args.role, _password())
    print(f"{args.action}: {args.username}")
    return 0


def _password() -> str:
    """Return the password that is typed, or piped in; never an argument, which others can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    import getpass

    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise InputError("The two passwords differ.", "Try again.")
    return first


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trail", description="An audit trail for Segment workspaces."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="start the dashboard")
    serve.add_argument("--host", default="")
    serve.add_argument("--port", type=int, default=0)

    load = commands.add_parser("load", help="load files and folders")
    load.add_argument("paths", nargs="+", metavar="PATH")
    load.add_argument("--dry-run", action="store_true", help="judge and count, keep nothing")
    load.add_argument("--mapping", metavar="FILE", help="which column is what, as TOML")

    pull = commands.add_parser("pull", help="ask Segment's Public API for events")
    pull.add_argument("--since", default="", metavar="90d", help="ask again from then on")
    pull.add_argument(
        "--sweep", action="store_true", help="ask for all days, count what was missed"
    )

    events = commands.add_parser("events", help="print events, newest first")
    events.add_argument("--limit", type=_positive, default=None, metavar="N")

    facets = commands.add_parser("facets", help="print what there is, with counts")

    export = commands.add_parser("export", help="write chosen events to a file")
    export.add_argument("--out", required=True, metavar="FILE")
    export.add_argument("--format", choices=("csv", "ndjson", "parquet"), default="")
    export.add_argument("--columns", default="", help="comma-separated, in order")

    evidence = commands.add_parser("evidence", help="write a pack for an auditor, as a ZIP")
    evidence.add_argument("--out", required=True, metavar="FILE")

    incidents = commands.add_parser("incidents", help="print failures, folded into incidents")
    findings = commands.add_parser("findings", help="print what is unusual, and why")
    findings.add_argument(
        "--budget", type=_above_zero, default=3, metavar="N", help="findings a day, on average"
    )
    findings.add_argument("--all", action="store_true", help="every scored finding")

    verify = commands.add_parser("verify", help="check every sealed day")
    verify.add_argument("--against", default="", metavar="FILE", help="a copy of the seals")
    seal = commands.add_parser("seal", help="seal the days that have closed")
    seal.add_argument("--accept", action="store_true", help="seal what does not match, as it is")
    seal.add_argument("--reason", default="", help="why it is accepted")

    commands.add_parser("status", help="print what the store holds")

    retain = commands.add_parser("retain", help="remove what is older than the settings keep")
    retain.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    _add_holds(commands.add_parser("holds", help="what must outlast its retention"))

    demo = commands.add_parser("demo", help="write a believable workspace as NDJSON")
    demo.add_argument("--out", required=True, metavar="FILE")
    demo.add_argument("--events", type=_positive, default=20_000, metavar="N")
    demo.add_argument("--days", type=_positive, default=90)
    demo.add_argument("--seed", type=int, default=1)

    _add_users(commands.add_parser("users", help="who may sign in"))
    token_commands.add_parser(commands.add_parser("tokens", help="what may ask without a person"))

    for each in (events, facets, findings, export, evidence, incidents):
        each.add_argument("--query", default="", metavar="QS", help="a page's query string")
    answering = "load pull events facets incidents findings export evidence status retain verify"
    for name in (*answering.split(), "seal", "demo"):
        commands.choices[name].add_argument("--json", action="store_true", help="answer as JSON")
    return parser


def _add_users(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a user; the password is asked for")
    add.add_argument("username")
    add.add_argument("--role", choices=ROLES, required=True)
    add.add_argument("--name", default="")
    add.add_argument("--email", default="")
    listed = actions.add_parser("list", help="print the users")
    listed.add_argument("--json", action="store_true")
    for name in ("remove", "passwd"):
        actions.add_parser(name).add_argument("username")
    role = actions.add_parser("role", help="give a user another role; open sessions end")
    role.add_argument("username")
    role.add_argument("--role", choices=ROLES, required=True)


def _add_holds(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="hold an event, a target or a period")
    add.add_argument("kind", choices=holds.KINDS)
    add.add_argument("value", nargs="?", default="", help="the event's or the target's id")
    add.add_argument("--from", dest="start", default="", metavar="TIME", help="UTC, included")
    add.add_argument("--to", dest="end", default="", metavar="TIME", help="UTC, not included")
    add.add_argument("--reason", required=True)
    listed = actions.add_parser("list", help="print the holds that stand")
    actions.add_parser("end", help="end a hold").add_argument("hold_id", type=int, metavar="ID")
    for each in (add, listed):
        each.add_argument("--json", action="store_true", help="answer as JSON")


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000:
        raise argparse.ArgumentTypeError("more than 0, at most 1000")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("not less than 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
