"""Write docs/commands.md from the parser of the command line; a test compares the two."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from trail.cli.main import discover, parser

PAGE = Path(__file__).parent / "commands.md"


def text() -> str:
    """Return the page: every command with its arguments."""
    lines = [
        "# Commands",
        "",
        "Run as `segment-audit-trail COMMAND` (installed wheel) or `python -m trail COMMAND` "
        "(checkout). Commands work whether or not the server runs. Exit codes: 0 success, "
        "1 failure, 2 usage error. `--query` takes the query string of a page.",
        "",
        "Generated from `trail/cli/commands/` by `make docs`.",
    ]
    for name, purpose, command in _commands(parser(discover()), ""):
        lines += ["", f"## {name}", "", _sentence(purpose)]
        rows = [_row(action) for action in command._actions if _is_argument(action)]
        if rows:
            lines += ["", "| argument | default | description |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _commands(
    parent: argparse.ArgumentParser, prefix: str
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    for group in parent._actions:
        if isinstance(group, argparse._SubParsersAction):
            purposes = {choice.dest: choice.help or "" for choice in group._choices_actions}
            for name, command in group.choices.items():
                path = f"{prefix} {name}".strip()
                yield path, purposes.get(name, ""), command
                yield from _commands(command, path)


def _is_argument(action: argparse.Action) -> bool:
    return not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)


def _row(action: argparse.Action) -> str:
    shown = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices:
        shown = r"\|".join(str(choice) for choice in action.choices)
    name = f"`{' '.join([*action.option_strings, shown if action.nargs != 0 else '']).strip()}`"
    default = "" if action.default in (None, "", 0, False) else f"`{action.default}`"
    return f"| {name.replace('|', '|')} | {default} | {_sentence(action.help or '')} |"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("." if words else "")


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
