"""`python -m trail`: parse the command line and run the command where its data is.

Exit codes: 0 success, 1 failure, 2 usage error. The server owns the database, so a command that
needs the database runs inside the server if one runs, else in this process.
"""

import argparse
import contextlib
import importlib
import logging
import os
import pkgutil
import secrets
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from trail import VERSION
from trail.access_log import log, spool
from trail.backup import swapping
from trail.cli import commands
from trail.cli.command import Command, add_json
from trail.cli.context import NO_DATABASE, Context
from trail.core import registry, server_link, settings
from trail.core.errors import BusyError, SettingError, TrailError
from trail.core.output import Out, Terminal
from trail.core.settings import Settings
from trail.runtime import process, startup
from trail.storage import failures, query_timeout
from trail.storage.duckdb import Store


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    args, database = parse(arguments), ""
    try:
        loaded = settings.load()
        database = loaded.store.path.name
        code = _run(args, arguments, loaded)
        sys.stdout.flush()
        return code
    except TrailError as error:
        print(f"trail: {error}", file=sys.stderr)
        return 2 if args.command == "serve" and isinstance(error, SettingError) else 1
    except KeyboardInterrupt:
        print("\ntrail: stopped", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has exited
        _discard_output()
        return 0
    except Exception as error:
        explained = failures.explain(error, database)
        if explained is None:
            raise
        _discard_output()
        print(f"trail: {explained}", file=sys.stderr)
        return 1


def _discard_output() -> None:
    """Let the flush at exit succeed where standard output cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_command(arguments: list[str], folder: Path, out: Out) -> int:
    """Run a command inside the server on behalf of a terminal; return its exit code."""
    args = parse(arguments)
    context = Context(
        process.current().settings,
        lambda write: startup.real_store() if write else startup.shown_store(),
        out,
        folder,
    )
    try:
        if args.declared.runs_in != "store":
            raise LookupError(f"the command {args.command} does not run in the server")
        reads_only = args.declared.reads_only
        with contextlib.nullcontext() if reads_only else query_timeout.unbounded():
            return _run_and_record(args, arguments, context)
    except TrailError as error:
        out.note(f"trail: {error}\n")
    except BrokenPipeError:
        raise
    except Exception as error:  # the terminal cannot show the traceback of this process
        if explained := failures.explain(error, context.settings.store.path.name):
            out.note(f"trail: {explained}\n")
            return 1
        error_id = secrets.token_hex(4)
        logging.getLogger("trail").exception("error %s in the command %s", error_id, args.command)
        out.note(f"trail: internal error; see the server log, error id {error_id}\n")
    return 1


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed *arguments*, with the name in `command` and its `Command` in `declared`.

    Imports only the module of the named command, so that a command starts fast.
    """
    names = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    if arguments and arguments[0] in names:
        module = importlib.import_module(f"{commands.__name__}.{arguments[0]}")
        declared = {arguments[0]: module.COMMAND}
    else:
        declared = discover()
    args = parser(declared).parse_args(arguments)
    args.declared = declared[args.command]
    return args


def discover() -> dict[str, Command]:
    """Return every command by name."""
    found = registry.discover(commands.__name__, "COMMAND")
    return {name.replace("_", "-"): command for name, command in found.items()}


def parser(declared: dict[str, Command]) -> argparse.ArgumentParser:
    """Return the parser of the *declared* commands."""
    root = argparse.ArgumentParser(
        prog="python -m trail", description="Audit trail for Twilio Segment workspaces."
    )
    root.add_argument("--version", action="version", version=f"segment-audit-trail {VERSION}")
    root.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=("bash", "zsh", "tcsh"),
        help="print the completion script for a shell",
    )
    group = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in declared.items():
        lines = [f"  python -m trail {example}" for example in command.examples]
        child = group.add_parser(
            name,
            help=command.help,
            description=f"{command.help[:1].upper()}{command.help[1:]}.",
            epilog="\n".join(["examples:", *lines]) if lines else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(child)
        if command.json:
            add_json(child)
    return root


class _PrintCompletion(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        import shtab

        parser.prog = "segment-audit-trail"  # a shell completes one word
        print(shtab.complete(parser, str(values), root_prefix="segment_audit_trail"))
        parser.exit()


def _run(args: argparse.Namespace, arguments: list[str], loaded: Settings) -> int:
    out, folder, command = Terminal(), Path.cwd(), args.declared
    with contextlib.ExitStack() as stack:
        stores = stack.enter_context(_stores(loaded))
        context = Context(loaded, stores, out, folder)
        if command.runs_in == "process":
            return int(command.run(args, context))
        swapping.finish(loaded)
        stack.enter_context(log.spooled(spool.folder_of(loaded)))
        if command.runs_in == "store" and (server := server_link.find(loaded)):
            code = server_link.run(server, arguments, folder, out)
            if code is not None:
                return code
        try:
            return _run_and_record(args, arguments, context)
        except BusyError:
            # A server may have started while this command waited.
            server = server_link.find(loaded) if command.runs_in == "store" else None
            code = server_link.run(server, arguments, folder, out) if server else None
            if code is None:
                raise
            return code


def _run_and_record(args: argparse.Namespace, arguments: list[str], context: Context) -> int:
    """Run the command and add it to the access log.

    The entry has no user name: whoever can open the files of the trail can run commands.
    """
    command: Command = args.declared
    kind = command.log_kinds.get(getattr(args, "action", None) or "", "command")
    try:
        code = command.run(args, context)
    except BusyError:  # not begun; it may run in a server instead
        raise
    except Exception:
        # In an empty folder, a failure leaves no file behind.
        if kind is not None and context.settings.store.path.exists():
            _record(args, arguments, "command", failed=True)
        raise
    if kind is not None:
        kind = "command" if getattr(args, "dry_run", False) else kind
        _record(args, arguments, kind, failed=code != 0)
    return code


def _record(args: argparse.Namespace, arguments: list[str], kind: str, *, failed: bool) -> None:
    command: Command = args.declared
    if command.log_subject and kind != "command":
        what, detail = command.log_subject(args)
        log.record(kind, log.COMMAND_LINE, what=what, detail=detail)
        return
    detail = shlex.join(arguments) + (" (failed)" if failed else "")
    log.record(kind, log.COMMAND_LINE, what=args.command, detail=detail, merge=kind == "command")


@contextlib.contextmanager
def _stores(loaded: Settings) -> Iterator["_Stores"]:
    stores = _Stores(loaded)
    try:
        yield stores
    finally:
        for store in stores.opened:
            store.close()


class _Stores:
    """Opens a database when a command first needs it."""

    def __init__(self, loaded: Settings) -> None:
        self._settings = loaded
        self.opened: list[Store] = []

    def __call__(self, write: bool) -> Store:
        loaded = self._settings
        if loaded.store.role == "ingest":
            raise SettingError(
                "store.role is ingest: this process has no database.",
                "Run the command with the settings of the server.",
            )
        path, demo = (loaded.store.path, False) if write else startup.database(loaded)
        if not write and not path.exists():
            raise NO_DATABASE
        if demo:
            print("trail: this is the demo workspace", file=sys.stderr)
        store = Store.open(path, loaded) if demo else startup.open_real(loaded)
        self.opened.append(store)
        return store
