"""Secrets stay where they belong: all output of a server that uses every secret is searched.

Every logger is at its most verbose level, and every peer echoes what it receives.
"""

import contextlib
import hashlib
import hmac
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import httpx2
import pyotp
import pytest
from cryptography.fernet import Fernet

from tests.segment_records import api_event, forwarded, ndjson
from tests.server.conftest import PASSWORD, Running
from tests.server.echo import Echo
from tests.server.settings_secrets import environment, forms, undeclared
from trail.accounts import second_factors
from trail.accounts.invitations import Invitations
from trail.accounts.second_factors import SecondFactors
from trail.accounts.users import Users
from trail.cli.main import main
from trail.core import settings as core_settings
from trail.core import stored_settings
from trail.core.settings import Settings, load
from trail.core.stored_settings import Entry
from trail.events.export import FORMATS
from trail.notifications import destinations
from trail.notifications.destination import Destination, all_kinds
from trail.storage.duckdb import Store
from trail.web.guard import COOKIE, VISIT_COOKIE

pytestmark = pytest.mark.server

# A destination's secret that was entered in the browser.
_ENTERED, _AT = "entered_url", "2026-11-01T10:00:00Z"
_OF_ANY_HOST = ("elasticsearch", "splunk_hec", "s3_ndjson")
_SUFFIX = "Q7w9Zt4Kx2Lm"
WRONG = "Wrong-Battery-Staple-41"
# The only files that may contain a secret, and why.
ALLOWED_FILES = {
    "trail.seals.key": "the key that signs seals; mode 0600, nowhere else",
    ".trail.duckdb.server.json": "the token that authenticates local commands",
}
VERBOSE_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"all": {"class": "logging.StreamHandler"}},
    "root": {"level": "DEBUG", "handlers": ["all"]},
}
PAGES = ("overview", "explore", "timeline", "failures", "unusual", "people", "alerts")
PAGES += ("connect", "admin", "access", "account")
READS = (
    *(f"/api/{name}" for name in ("events", "facets", "timeline", "incidents", "findings")),
    *(f"/export.{name}" for name in (*FORMATS, "access.csv", "evidence.zip")),
    "/export.incidents.csv",
    "/export.findings.csv",
    "/metrics",
    "/healthz",
)
COMMANDS = (
    *("status", "events", "facets", "incidents", "findings --all", "verify", "seal"),
    *("retain --dry-run", "holds list", "users list", "tokens list", "secrets list", "pull"),
)


@dataclass
class Output:
    """All output by its place, what was sent to peers, and the secrets by name."""

    words: dict[str, str]
    raw: dict[str, bytes] = field(default_factory=dict)
    sent: str = ""

    def leaks(self) -> list[str]:
        """Return `secret in place` for each secret in the output."""
        return sorted(
            f"{name} in {place}"
            for place, data in self.raw.items()
            for name, word in self.words.items()
            if any(form in data for form in forms(word))
        )


def _prepare(folder: Path, settings: Settings, echo: str) -> None:
    """Create a database that sends every event to a destination of each kind."""
    store = Store.open(settings.store.path, settings)
    host, _, port = echo.partition(":")
    known: dict[str, dict[str, str]] = {
        "webhook": {"url": f"http://{echo}/hook"},
        "segment_source": {"url": f"http://{echo}"},
        "elasticsearch": {"url": f"http://{echo}"},
        "splunk_hec": {"url": f"http://{echo}"},
        "syslog": {"host": host, "port": port},
        "s3_ndjson": {"endpoint": f"http://{echo}"},
        "mail": {
            "host": host,
            "port": port,
            "tls": "implicit",
            "user": "trail",
            "from": "trail@example.com",
            "to": "maya@example.com",
        },
    }
    for kind, forwarder in all_kinds().items():
        if forwarder.demo_only:
            continue
        secrets = {field.name: f"{kind}_{field.name}" for field in forwarder.secrets}
        required = {field.name: field.example for field in forwarder.settings if field.required}
        given = required | known.get(kind, {})
        made = Destination(0, kind, kind, given, secrets, streams=True)
        store.write(
            lambda cursor, made=made: destinations.add(cursor, made, settings.forward, "maya")
        )
    made = Destination(0, "slack", "entered", {}, {"url": _ENTERED}, streams=True)
    store.write(lambda cursor: destinations.add(cursor, made, settings.forward, "maya"))
    store.close()


def _enter(folder: Path, url: str) -> None:
    """Store a secret as a page does that owners enter it on."""
    name = f"forward.secrets.{_ENTERED}"
    box = core_settings.box_of(load())
    with stored_settings.changing(folder / "trail.settings.json") as entries:
        entries[name] = Entry(secret=box.encrypt(name, url, new_key=True), by="maya", at=_AT)


@pytest.fixture(scope="module")
def output(
    start_server: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Output]:
    """Return all output of a server in use, of its commands, and its files."""
    folder = tmp_path_factory.mktemp("secrets")
    with Echo() as echo, pytest.MonkeyPatch.context() as patch:
        place = f"127.0.0.1:{echo.port}"
        given, words = environment(all_kinds(), place)
        words["encryption.key"] = Fernet.generate_key().decode()
        given |= {
            # A secret that says no host is sent to those that are allowed for it.
            "TRAIL_FORWARD__HOSTS": json.dumps(
                {
                    f"{kind}_{secret.name}": [place]
                    for kind, forwarder in all_kinds().items()
                    for secret in forwarder.secrets
                    if kind in _OF_ANY_HOST
                }
            ),
            "TRAIL_ENCRYPTION__KEY": words["encryption.key"],
            "TRAIL_CONFIG": str(folder / "trail.toml"),
            "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
            "TRAIL_AUTH__USERS_PATH": str(folder / "users.yaml"),
            # The secret of the provider requires the other settings of the provider.
            "TRAIL_AUTH__OIDC_METADATA_URL": f"http://{place}/.well-known/openid-configuration",
            "TRAIL_AUTH__OIDC_CLIENT_ID": "trail",
            "TRAIL_AUTH__OIDC_ROLES": json.dumps({"admins": "owner"}),
            "TRAIL_AUTH__PASSWORDS": "true",
            "TRAIL_SEGMENT__URL": f"http://{place}",
            "TRAIL_SEGMENT__PATIENCE_S": "0.1",
            "TRAIL_S3__URL": "s3://audit/segment-logs",
            "TRAIL_S3__ENDPOINT": f"http://{place}",
            "TRAIL_FORWARD__ALLOW_LOOPBACK": "true",
            "TRAIL_FORWARD__TIMEOUT_S": "2",
            "UVICORN_LOG_CONFIG": str(folder / "logging.json"),
            "UVICORN_LOG_LEVEL": "debug",
            "UVICORN_WS": "websockets-sansio",  # as `serve` has it
            "STREAMLIT_LOGGER_LEVEL": "debug",
        }
        (folder / "logging.json").write_text(json.dumps(VERBOSE_LOGGING))
        for name in list(os.environ):
            if name.startswith("TRAIL_"):
                patch.delenv(name)
        for name, value in given.items():
            patch.setenv(name, value)
        words["an entered secret"] = f"HushEntered{_SUFFIX}"
        _enter(folder, f"http://{place}/services/{words['an entered secret']}")
        _prepare(folder, load(), place)
        users = Users(folder / "users.yaml")
        users.add("maya", "Maya Lind", "", "owner", PASSWORD)
        server = start_server(**given)
        output = Output({**words, "a password": PASSWORD, "a wrong password": WRONG})
        _use(server, output, folder, echo)
        output.sent = json.dumps(echo.seen)
    output.raw["the log"] = server.log.read_bytes()
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in ALLOWED_FILES:
            output.raw[f"file {path.name}"] = path.read_bytes()
    output.raw["the database's rows"] = _rows(folder / "trail.duckdb")
    yield output


def _use(server: Running, output: Output, folder: Path, echo: Echo) -> None:
    with contextlib.suppress(AssertionError):
        server.sign_in("maya", WRONG)
    sid = server.sign_in("maya")
    output.words["a session"] = sid
    token = server.command("tokens", "add", "ci", "--role", "owner", "--scope", "read").strip()
    output.words["an API token"] = token
    _personal(server, output, sid, Users(folder / "users.yaml"))
    note = json.loads((folder / ".trail.duckdb.server.json").read_text())
    output.words["the commands' token"] = note["token"]
    with httpx2.Client(base_url=server.url, cookies={COOKIE: sid}) as client:
        _push(client, output)
        path = folder / "more.ndjson"
        path.write_bytes(ndjson(api_event(number) for number in range(20)))
        output.raw["load"] = server.command("load", str(path)).encode()
        _wait_for_deliveries(echo)
        for address in READS:
            given = {"authorization": f"Bearer {output.words['server.metrics_token']}"}
            _record(output, client.get(address, headers=given if address == "/metrics" else {}))
    with httpx2.Client(base_url=server.url) as client:
        _record(output, client.get("/api/events", headers={"authorization": f"Bearer {token}"}))
        _record(
            output, client.get("/api/events", headers={"authorization": f"Bearer {token[:-1]}"})
        )
    for page in PAGES:
        with server.tab(sid=sid) as tab:
            output.raw[f"page {page}"] = tab.run(page=page).encode()
            assert output.raw[f"page {page}"], page
    for command in COMMANDS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main(command.split())
        output.raw[f"command {command}"] = out.getvalue().encode()
    server.stop()
    pem = (folder / "trail.seals.key").read_text()
    output.words["the seals' key"] = pem.split("\n")[1]


def _personal(server: Running, output: Output, sid: str, users: Users) -> None:
    """Invite somebody, who sets up a second factor; the link, the key and the codes are secrets."""
    pending = Invitations(users)
    invited = {"kim": pending.invite("kim", "Kim Vang", "viewer", None, "maya")[1]}
    invited["open"] = pending.invite("eve", "Eve Moen", "viewer", None, "maya")[1]
    output.words |= {f"the invitation {name}": secret for name, secret in invited.items()}
    with httpx2.Client(base_url=server.url) as client:
        for more in ({}, {"password": "kim"}, {"name": "Kim", "password": PASSWORD}):
            given = {"secret": invited["kim"], **more}
            _record(output, client.post("/auth/invitation", json=given))
    key = second_factors.new_secret()
    kim = users.get("kim")
    assert kim
    code = pyotp.TOTP(key).now()
    codes = SecondFactors(users, Settings()).enroll(kim, key, code)
    output.words |= {"the key of the second factor": key, "a recovery code": codes[0]}
    with server.http() as client, server.tab(visit=client.cookies[VISIT_COOKIE]) as tab:
        tab.run()
        tab.run(typed={"Username": "kim", "Password": PASSWORD}, press="Sign in")
        tab.finish()
        output.raw["the code step"] = tab.text.encode()
        output.raw["the end"] = tab.run(typed={"Code": codes[0]}, press="Sign in").encode()
        assert tab.component_data("trail_redirect")
    with server.tab(sid=sid) as tab:
        for section in ("users", "roles", "settings"):
            output.raw[section] = tab.run(page="admin", query=f"section={section}").encode()


def _push(client: httpx2.Client, output: Output) -> None:
    body = json.dumps(forwarded(1)).encode()
    secret = output.words["push.webhook_secrets.1"].encode()
    for mac in ("0" * 40, hmac.new(secret, body, hashlib.sha1).hexdigest()):
        answer = client.post("/webhooks/segment", content=body, headers={"X-Signature": mac})
        _record(output, answer)
    assert answer.status_code == 200
    statuses = []
    key = output.words["push.write_keys.0"]
    basic = {"auth": httpx2.BasicAuth(key, "")}
    call = forwarded(2)
    for path, body, more in (
        ("/v1/track", {**call, "writeKey": "another"}, {}),
        ("/v1/track", {**call, "writeKey": key}, {}),
        ("/v1/track", {**forwarded(3), "writeKey": key}, basic),
        ("/v1/batch", {"batch": [{**forwarded(4), "writeKey": key}], "writeKey": key}, {}),
        ("/v1/batch", {"batch": [forwarded(5)]}, basic),
        ("/v1/track", {"writeKey": key, "event": "Audit"}, {}),
    ):
        answer = client.post(path, json=body, **more)  # type: ignore[arg-type]
        _record(output, answer)
        statuses.append(answer.status_code)
    assert statuses == [401, 200, 200, 200, 200, 200]


def _record(output: Output, answer: httpx2.Response) -> None:
    name = f"{answer.request.method} {answer.request.url.path} {len(output.raw)}"
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    output.raw[name] = head.encode() + b"\n" + answer.content


def _wait_for_deliveries(echo: Echo) -> None:
    """Wait until each HTTP destination has received a request."""
    deadline = time.monotonic() + 30
    while not all(path in json.dumps(echo.seen) for path in ("/hook", "/v1/track", "/services")):
        assert time.monotonic() < deadline, echo.seen
        time.sleep(0.05)


def _rows(path: Path) -> bytes:
    """Return every value of every table as text; the database file may compress them."""
    with duckdb.connect(str(path), read_only=True) as opened:
        tables = opened.execute("select table_name from duckdb_tables()").fetchall()
        return "\n".join(
            str(row)
            for (name,) in tables
            for row in opened.execute(f'select * from "{name}"').fetchall()
        ).encode()


def test_settings_with_secret_like_names_are_declared_secret() -> None:
    assert undeclared() == []


def test_no_secret_is_in_the_output(output: Output) -> None:
    assert output.leaks() == []


def test_destinations_and_sources_used_their_secrets(output: Output) -> None:
    """Otherwise the search could succeed because nothing was used."""
    outgoing = ("segment.token", "s3.access_key", "slack.url", "segment_source.write_key")
    for name in outgoing:
        word = output.words.get(name) or output.words[f"forward.secrets.{name}"]
        assert any(form.decode() in output.sent for form in forms(word)), name
    assert output.words["an entered secret"] in output.sent
