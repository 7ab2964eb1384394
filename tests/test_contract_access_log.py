"""The contract of the access log: whatever reads data out or changes something is recorded.

Anything that is not recorded is listed here with its reason, so that a new action cannot be
forgotten: a command, a route, and a function of a page.
"""

import ast
import functools
import tomllib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.conftest import Load
from tests.test_contract_commands import COMMANDS, _actions, _child
from tests.trail.random_trail import event
from trail.access_log import log, spool
from trail.access_log.entry import KINDS
from trail.accounts.sessions import Sessions
from trail.accounts.users import Users
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.ingest.receiver import into_store
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store
from trail.storage.filters import Window
from trail.web import certificate_export, routes, unknown_routes
from trail.web.guard import COOKIE, Guard

ROOT = Path(__file__).parents[1]

# --- commands ---------------------------------------------------------------------------------

UNRECORDED_COMMANDS = {
    "demo": "writes generated events, and needs no workspace",
    "doctor": "prints the state of the installation, as `status` does",
    "mcp": "asks the API, which records each read",
    "serve": "starts the server, which is in the server log",
    "status": "prints counts and the state of sources, and may run every minute",
}


def kind_of(name: str, action: str) -> str | None:
    command = COMMANDS[name]
    return None if command.runs_in == "process" else command.log_kinds.get(action, "command")


def records_itself(name: str) -> bool:
    tree = ast.parse((ROOT / "trail/cli/commands" / f"{name}.py").read_text())
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return bool(calls & {"log.record", "making.log"})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_recorded(name: str) -> None:
    kinds = {kind_of(name, action) for action in _actions(_child(name)) or {""}}
    assert {kind for kind in kinds if kind} <= KINDS.keys()
    if name in UNRECORDED_COMMANDS:
        assert kinds == {None}
    elif None in kinds:
        assert records_itself(name)


# --- routes -----------------------------------------------------------------------------------

UNRECORDED_ROUTES = {
    "/auth/alive": "polled by open tabs; answers only whether the session is valid",
    "/auth/finish": "records the sign-in or its refusal",
    "/auth/sign-out": "records the sign-out",
    "/auth/invitation": "records the acceptance or its refusal; the page itself has no data",
    "/auth/invitation.js": "the script of that page, without data",
    **{
        route.path: "recorded; needs a sign-off, so it is tested with certificates"
        for route in certificate_export.ROUTES
    },
    "/healthz": "polled by monitoring; answers problems without data",
    "/local/command": "records the command that it runs",
    "/s/{link_id}": "redirects to a page, which records the view",
    "/uploads": "begins what the next records",
    "/uploads/{upload_id}": "records the file with its last part; see tests/trail/web",
    "/api/new-events": "polled by open pages; answers only a number",
    "/api/time": "asked as one types; answers what a time means, without data",
    "/api/openapi.json": "describes the routes; answers no data",
    "/mcp": "asks routes that record it",
    "/metrics": "polled by monitoring; answers counts without names",
}


def product_routes() -> list[Route]:
    """Return all routes except those of the receivers, and of other methods and addresses."""
    received = {route.path for route in routes.receivers()}
    refusals = unknown_routes.routes(routes.documented())
    names = {route.endpoint.__qualname__ for route in refusals}
    found = routes.all_routes(lambda *_: 0, lambda: "")
    return [
        route
        for route in found
        if route.path not in received and getattr(route.endpoint, "__qualname__", "") not in names
    ]


def test_every_route_of_the_application_is_known_here() -> None:
    """The application has the routes of `trail.web.routes`.

    What receivers are sent is stored, with the batch that brought it.
    """
    tree = ast.parse((ROOT / "dashboard.py").read_text())
    [given] = [node.value for node in ast.walk(tree) if getattr(node, "arg", "") == "routes"]
    assert ast.unparse(given).startswith("routes.all_routes(")
    assert UNRECORDED_ROUTES.keys() <= {route.path for route in product_routes()}


def test_every_route_that_answers_data_records_who_read_it(
    store: Store,
    settings: Settings,
    load: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load(event("a", utc_now()).encode())
    monkeypatch.setattr(process, "_current", [])
    users = Users(tmp_path / "users.yaml")
    users.add("maya", "Maya Lind", "", "owner", "correct-horse-9")
    sessions, intake = Sessions(12, 30), into_store(settings, lambda: store)
    schedule = Schedule(settings, lambda: store, lambda: store)
    process.start(Runtime(settings, store, users, sessions, intake, schedule, False))
    log.start(lambda: (store, True), spool.folder_of(settings), 400)
    sid = sessions.finish(sessions.issue_code("maya", "b", users.credentials_digest("maya")), "b")
    assert sid
    routes = list(product_routes())
    app = Starlette(routes=routes, middleware=[Middleware(Guard)])
    client = TestClient(app, base_url="http://localhost", cookies={COOKIE: sid})
    paths = [route.path for route in routes if route.path not in UNRECORDED_ROUTES]
    assert len(paths) >= 11
    for path in paths:
        answer = client.get(path)
        # There is no incident or finding with such an ID, but somebody asked for it.
        expected = 404 if "{" in path else 200
        assert answer.status_code == expected, (path, answer.text)
    log.flush()
    rows = log.entries(store, Window(), user="maya")
    assert {row["what"]: row["kind"] for row in rows} == {
        path: "read"
        if path.startswith("/api/")
        else ("evidence" if "evidence" in path else "exported")
        for path in paths
    }
    assert {(row["role"], row["address"], row["times"]) for row in rows} == {
        ("owner", "testclient", 1)
    }
    log.stop()
    schedule.close()
    intake.close()


# --- pages ------------------------------------------------------------------------------------

# Calls that read data out or change something outside the database.
ACTING = {
    "run_now",
    "import_now",
    "discard",
    "verify_now",
    "send_test",
    "download_button",
    "set_actors",
    "available",
}
ACTING_CALLS = {
    "store.write",
    "store.submit",
    "configuration.change",
    "configuration.reset",
    "users.set_access",
    "users.change_password",
    "sessions.end_hash",
    "second_factors.remove",
    "second_factors.enroll",
    "tokens.revoke",
    "tokens.revoke_all_of",
    "tokens.add",
    "users.set_disabled",
    "users.remove",
    "pending.invite",
    "pending.reset",
    "pending.revoke",
    "stored_secrets.remove",
    "stored_secrets.remove_with",
    "stored_secrets.rotate_key",
}
# Functions of pages that act without an entry of their own, and why.
UNRECORDED_FUNCTIONS: dict[str, str] = {}


def writing_functions() -> set[str]:
    """Return the functions of `trail` that write to a store, as `module.function`."""
    called: dict[str, set[str]] = {}
    for path in (ROOT / "trail").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                names = {name if "." in name else f"{path.stem}.{name}" for name in calls(node)}
                called[f"{path.stem}.{node.name}"] = names
    writing = {
        name
        for name, names in called.items()
        if names & {"store.write", "store.submit", "socket.create_connection"}
    }
    while more := {name for name, names in called.items() if names & writing} - writing:
        writing |= more
    return writing


def calls(node: ast.AST) -> set[str]:
    """Return the names of called functions, and of those that are passed to be called."""
    given: list[ast.expr] = []
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            given += [call.func, *call.args, *(keyword.value for keyword in call.keywords)]
    names = [ast.unparse(item) for item in given if isinstance(item, ast.Name | ast.Attribute)]
    return {".".join(name.split(".")[-2:]) for name in names}


# How a function of a page makes sure of the role at the moment of the action.
ROLE_CHECKS = {"acts", "acting_user", "current_user", "_allowed"}


@functools.cache
def acting_functions() -> dict[str, set[str]]:
    """Return the names that each function of pages that acts calls; by `file:function`."""
    writing, found = writing_functions(), dict[str, set[str]]()
    for path in (*(ROOT / "pages").glob("*.py"), *(ROOT / "ui").rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names = calls(node)
                last = {name.rpartition(".")[2] for name in names}
                if names & (writing | ACTING_CALLS) or last & ACTING:
                    name = f"{path.relative_to(ROOT).as_posix()}:{node.name}"
                    found[name] = last
    return found


def test_tables_have_no_download_of_their_own() -> None:
    """The browser would write the file, so that the server could not record it."""
    options = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert options["client"]["disableDataExport"] is True


def test_certificates_are_recorded() -> None:
    tree = ast.parse((ROOT / "trail/web/certificate_export.py").read_text())
    recorded = [
        ast.unparse(call.args[-1])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "recorded"
    ]
    assert recorded == ["'certificate'"]


def test_every_action_of_a_page_is_recorded() -> None:
    found = acting_functions()
    assert len(found) >= 20
    missing = {name for name, last in found.items() if not last & {"record_action", "record"}}
    assert missing == UNRECORDED_FUNCTIONS.keys()


def test_every_action_of_a_page_checks_the_role() -> None:
    """A callback runs before its page, so that the check of the page comes too late for it."""
    unchecked = {name for name, last in acting_functions().items() if not last & ROLE_CHECKS}
    assert unchecked <= UNRECORDED_FUNCTIONS.keys()


@pytest.mark.parametrize(
    "name",
    [
        "ui/admin/sources_tab.py:_poll_now",
        "ui/admin/sources_tab.py:_backfill",
        "ui/admin/quarantine_tab.py:_retry",
        "ui/admin/seals_tab.py:_accept",
        "ui/admin/retention_tab.py:_remove",
        "ui/account/password_card.py:_change",
        "ui/account/sessions_card.py:_end",
        "ui/account/sessions_card.py:_end_all",
        "ui/tokens_list.py:_create",
        "ui/tokens_list.py:_revoke",
        "ui/admin/user_changes.py:invite",
        "ui/admin/user_changes.py:reset",
        "ui/admin/user_changes.py:revoke",
        "ui/admin/user_changes.py:set_access",
        "ui/admin/user_changes.py:set_disabled",
        "ui/admin/user_changes.py:remove",
        "ui/admin/user_changes.py:link",
        "ui/admin/user_changes.py:reset_factor",
        "ui/account/second_factor_card.py:_turn_on",
        "ui/account/second_factor_card.py:_turn_off",
        "ui/alerts/changes.py:write",
        "ui/unusual/finding_detail.py:_decide",
        "ui/unusual/sign_off.py:_form",
        "ui/connect/token_card.py:_Card",
        "ui/connect/upload_card.py:_import",
        "ui/connect/upload_card.py:_discard",
        "ui/setting_change.py:change",
        "pages/timeline.py:_remove_all",
    ],
)
def test_the_check_of_pages_detects_actions(name: str) -> None:
    assert name in acting_functions()
