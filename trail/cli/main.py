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

from trail.access_log import log, spool
from trail.accounts import api_tokens
from trail.accounts.api_tokens import Tokens
from trail.accounts.users import Users
from trail.backup import swapping
from trail.cli import backup
from trail.cli import tokens as token_commands
from trail.cli.audit import note_command
from trail.cli.context import Context
from trail.cli.data import COMMANDS
from trail.cli.parser import parser
from trail.core import server_link, settings
from trail.core.errors import InputError, SettingError, TrailError
from trail.core.output import Out, Terminal
from trail.core.settings import Settings
from trail.runtime import preflight, process, startup
from trail.storage.database import Store


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    args = parser().parse_args(arguments)
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
    args = parser().parse_args(arguments)
    try:
        context = Context(
            process.current().settings,
            lambda write: startup.real_store() if write else startup.shown_store(),
            out,
            folder,
        )
        code = COMMANDS[args.command](args, context)
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
    swapping.finish(known)
    with log.spooled(spool.folder_of(known)):
        return _here_or_there(args, arguments, known)


def _here_or_there(args: argparse.Namespace, arguments: list[str], known: Settings) -> int:
    """Run a command on the files of sign-in, in the server where one runs, or on the store."""
    out = Terminal()
    if args.command == "users":
        code = _users(args, Users(known.auth.users_path))
        note_command(args, arguments, code)
        return code
    if args.command == "tokens":
        return token_commands.run(args, Tokens(api_tokens.path_of(known)), out)
    if args.command == "restore":
        code = backup.restore(args, known, Path.cwd(), out)
        note_command(args, arguments, code)
        return code
    note = server_link.find(known)
    if note:
        ended = server_link.run(note, arguments, Path.cwd(), out)
        if ended is not None:
            return ended
    with _stores(known) as store:
        code = COMMANDS[args.command](args, Context(known, store, out, Path.cwd()))
        note_command(args, arguments, code)
        return code


class _Stores:
    """Opens a database when a command first asks for it."""

    def __init__(self, known: Settings) -> None:
        self._known = known
        self.opened: list[Store] = []

    def __call__(self, write: bool) -> Store:
        path, demo = (self._known.store.path, False) if write else startup.database(self._known)
        if not write and not path.exists():
            raise InputError(
                "There is no database yet.", "Load a file first: python -m trail load FILE."
            )
        if demo:
            print("trail: this is the demo workspace", file=sys.stderr)
        store = Store.open(path, self._known) if demo else startup.open_real(self._known)
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
    if wrong := preflight.found(known, host):
        for each in wrong:
            print(f"trail: {each}", file=sys.stderr)
        return 2
    from trail.cli.serve import serve  # the web parts take a second to import; commands need none

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
