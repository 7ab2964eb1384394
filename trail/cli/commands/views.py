"""`views`: print and delete saved views; private ones are for their owners only."""

import argparse
import json

from trail.access_log.log import COMMAND_LINE
from trail.cli.command import Command, add_actions, add_json
from trail.cli.context import Context
from trail.cli.tables import table
from trail.views import saved_views
from trail.views.view import Viewer

# Sees what is shared, and may delete it.
_ADMINISTRATOR = Viewer("", COMMAND_LINE, manages=True)


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = add_actions(parser)
    add_json(actions.add_parser("list", help="print the built-in and shared views"))
    show = actions.add_parser("show", help="print the query string of a view, for --query")
    delete = actions.add_parser("delete", help="delete a shared view")
    for action in (show, delete):
        action.add_argument("view_id", metavar="ID", help="id of the view, as listed")


def _run(args: argparse.Namespace, context: Context) -> int:
    store, out = context.workspace_store(), context.out
    if args.action == "delete":
        view = saved_views.delete(store, _ADMINISTRATOR, args.view_id)
        out.text(f"delete: {view.name}\n")
        return 0
    views = saved_views.visible(store, _ADMINISTRATOR.account)
    if args.action == "show":
        out.text(f"{saved_views.find(views, args.view_id).query}\n")
    elif args.json:
        out.text("".join(json.dumps(view.to_dict()) + "\n" for view in views))
    else:
        rows = [
            (view.view_id, view.name, view.owner_text or "built-in", view.query) for view in views
        ]
        out.text(table(("id", "name", "owner", "query"), rows))
    return 0


COMMAND = Command(
    help="print and delete saved views",
    run=_run,
    arguments=_arguments,
    examples=("views list", "views show failures", "views delete 5t9u6MSZfUFC"),
    json=False,
    log_kinds={"delete": "view_saved"},
    log_subject=lambda args: (f"view {args.view_id}", "deleted"),
)
