"""The declaration of a command, as in each file of `trail/cli/commands/`."""

import argparse
import datetime as dt
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trail.cli.context import Context
from trail.core.clock import naive_utc
from trail.core.errors import InputError

Location = Literal["store", "files", "process"]


def _no_arguments(_: argparse.ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Command:
    """One command. The module's name is the command's name.

    `run` executes it and returns the exit code: 0 success, 1 failure. `runs_in` is `store` (inside
    the server if one runs, since it owns the database), `files` (always in this process, without
    the database) or `process` (in this process, without the access log). `log_kinds` maps the
    command's action ("" without actions) to the kind of its access-log entry; None if it is not
    recorded or records itself. `log_subject` returns object and detail of the entry, instead of
    the command line. The queries of a command that only reads (`reads_only`) are interrupted when
    its terminal is gone.
    """

    help: str
    run: Callable[[argparse.Namespace, Context], int]
    arguments: Callable[[argparse.ArgumentParser], None] = _no_arguments
    examples: tuple[str, ...] = ()
    json: bool = True
    runs_in: Location = "store"
    reads_only: bool = False
    log_kinds: Mapping[str, str | None] = field(default_factory=dict)
    log_subject: Callable[[argparse.Namespace], tuple[str, str]] | None = None


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json` to *parser*."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_query(parser: argparse.ArgumentParser) -> None:
    """Add `--query` to *parser*."""
    parser.add_argument(
        "--query", default="", metavar="QS", help="filter, as the query string of a page"
    )


def add_actions(
    parser: argparse.ArgumentParser,
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    """Return the group to which the actions of a command are added."""
    return parser.add_subparsers(dest="action", required=True, metavar="ACTION")


def not_negative(text: str) -> int:
    """Return *text* as a whole number of at least 0."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def read_mapping(path: Path) -> dict[str, str]:
    """Return the column of each field from a TOML file; raise `InputError` if it is invalid."""
    try:
        return {name: str(column) for name, column in tomllib.loads(path.read_text()).items()}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path.name}: the mapping cannot be read.",
            'Write one line per field in TOML, such as timestamp = "Date".',
        ) from error


def moment(text: str) -> dt.datetime:
    """Return a time in UTC without a zone; *text* without an offset is UTC.

    Raises `InputError` for anything else.
    """
    try:
        return naive_utc(dt.datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InputError(
            f"Invalid time {text!r}.", "Use 2026-11-23 or 2026-11-23T14:30Z."
        ) from None
