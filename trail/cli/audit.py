"""What the access log says of a command. Separate: a command runs here or inside the server.

A command's user is whoever may open the database's file, so it has no name but that.
"""

import argparse
import shlex

from trail.access_log.log import COMMAND_LINE, record

# Commands that say more than that they ran.
_KINDS = {
    ("retain", ""): "retained",
    ("holds", "add"): "held",
    ("holds", "end"): "hold_ended",
    ("verify", ""): "verified",
    ("restore", ""): "restored",
    ("users", "add"): "user_added",
    ("users", "remove"): "user_removed",
    ("users", "passwd"): "password_set",
    ("users", "role"): "role_set",
}
# Counts only; the others note themselves.
_QUIET = ("status", "export", "evidence", "tokens", "backup")
_QUIET_ACTIONS = (("users", "list"),)


def note_command(args: argparse.Namespace, arguments: list[str], code: int = 0) -> None:
    """Note that the command *arguments* ran and ended with *code*."""
    action = str(getattr(args, "action", "") or "")
    if args.command in _QUIET or (args.command, action) in _QUIET_ACTIONS:
        return
    words = " ".join(shlex.quote(each) for each in arguments) + (" (failed)" if code else "")
    kind = _KINDS.get((args.command, action), "command")
    if getattr(args, "dry_run", False):
        kind = "command"
    if args.command == "users":
        role = str(getattr(args, "role", "") or "")
        record(kind, COMMAND_LINE, what=args.username, detail=role)
        return
    record(kind, COMMAND_LINE, what=args.command, detail=words, merge=kind == "command")
