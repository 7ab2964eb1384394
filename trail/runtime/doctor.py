"""Check everything that `serve` needs, without changing anything."""

import datetime as dt
import json
from pathlib import Path

from trail.accounts import oidc
from trail.core import server_link
from trail.core.errors import BusyError, TrailError
from trail.core.server_link import Note
from trail.core.settings import Settings
from trail.runtime import (
    check,
    database_checks,
    ingest_process,
    installation_checks,
    listeners,
    preflight,
)
from trail.runtime.check import Check
from trail.storage import read_only, schema

# The command for the running server, and its timeout.
_ASK = ["status", "--json"]
_ANSWER_S = 30.0


def checks(settings: Settings, host: str, port: int, now: dt.datetime) -> list[Check]:
    """Return all checks for serving on *host* and *port*, at *now* (aware, UTC)."""
    if settings.store.role == "ingest":
        found = ingest_process.problems(settings, host), ingest_process.warnings(settings)
        fine = f"Events are received as node {settings.store.node}."
        return [
            *installation_checks.packages(),
            *installation_checks.disk_space(settings),
            *check.judged("Ingest process", fine, *found),
            *_port(host, port, None),
        ]
    server = server_link.find(settings)
    return [
        *installation_checks.packages(),
        *installation_checks.folders(settings),
        *installation_checks.archive(settings),
        *installation_checks.cluster(settings),
        *installation_checks.private_files(settings),
        *installation_checks.disk_space(settings),
        *_users(settings, host),
        *installation_checks.public_address(settings, host),
        *_port(host, port, server),
        *(_from_server(server) if server else _from_file(settings, now)),
        *installation_checks.seal_mirror(settings),
        *installation_checks.backups(settings, now),
    ]


def _users(settings: Settings, host: str) -> list[Check]:
    path = settings.auth.users_path
    fine = "Users can sign in." if path.exists() else "The first start creates an owner."
    try:
        problems = preflight.user_problems(settings)
    except TrailError as error:
        problems = [str(error)]
    return check.judged("Sign-in", fine, [*oidc.setting_problems(settings, host), *problems])


def _port(host: str, port: int, server: Note | None) -> list[Check]:
    if server:
        return [check.ok("Server", f"Running as process {server.pid} on port {server.port}.")]
    try:
        listeners.close(listeners.bind(host, port))
    except TrailError as error:
        return [Check("Server", "problem", str(error))]
    return [check.ok("Server", f"Not running. Port {port} on {host} is free.")]


def _from_server(server: Note) -> list[Check]:
    """Return the database checks of the running server."""
    answer = _Answer()
    try:
        code = server_link.run(server, _ASK, Path.cwd(), answer, timeout_s=_ANSWER_S)
        found = json.loads(answer.content)["checks"] if code == 0 else []
    except (TrailError, ValueError, KeyError):
        found = []
    if not found:
        text = (
            f"The server did not respond within {_ANSWER_S:.0f} seconds. See its log, and restart "
            "it."
        )
        return [Check("Database", "problem", text)]
    return [Check(row["name"], row["state"], row["text"]) for row in found]


def _from_file(settings: Settings, now: dt.datetime) -> list[Check]:
    path = settings.store.path.absolute()
    if not path.exists():
        return [check.ok("Database", f"{path.name} does not exist yet; it is created when needed.")]
    try:
        with read_only.opened(path) as database:
            version = database.schema_version()
            if version < schema.NEWEST:
                text = (
                    f"The next start upgrades {path.name} from version {version} to "
                    f"{schema.NEWEST}, which cannot be undone. Back it up with the release that "
                    "wrote it."
                )
                return [Check("Database", "warning", text)]
            opened = check.ok(
                "Database", f"{path.name} can be opened and has the newest version, {version}."
            )
            return [opened, *database_checks.checks(database, settings, now)]
    except BusyError as error:
        return [Check("Database", "warning", f"Not checked: {error}")]
    except TrailError as error:
        return [Check("Database", "problem", str(error))]


class _Answer:
    """Receives the output of a command run in the server."""

    def __init__(self) -> None:
        self.content = ""

    def text(self, text: str) -> None:
        self.content += text

    def note(self, text: str) -> None:
        """Ignore messages for people."""

    def progress(self, share: float, text: str) -> None:
        """Ignore progress."""
