"""The configurations of deploy/nginx and deploy/caddy in front of a real server, and its stop."""

import contextlib
import csv
import datetime as dt
import io
import ipaddress
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.segment_records import Record, api_event, ndjson
from tests.server.conftest import ROOT, Running
from tests.server.tab import Tab
from tests.started_server import free_port
from trail.storage import read_only
from trail.web.guard import COOKIE, VISIT_COOKIE

pytestmark = pytest.mark.server

NAME = "audit.example.com"
CLIENT = "127.0.0.9"  # not the proxy's address
EVENTS, PADDING = 2_500, 8_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate for NAME and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "audit.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def nginx(folder: Path, backend: int, port: int, plain: int, certificate: Path) -> list[str]:
    """Write the configuration of nginx with other ports and paths; return the command."""
    text = (ROOT / "deploy/nginx/audit-trail.conf").read_text()
    changes = {
        "127.0.0.1:8501": f"127.0.0.1:{backend}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "    listen [::]:443 ssl;\n": "",
        "    listen [::]:80;\n": "",
        f"/etc/ssl/{NAME}/fullchain.pem": str(certificate),
        f"/etc/ssl/{NAME}/privkey.pem": str(certificate),
        "/var/log/nginx/": f"{folder}/",
    }
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events {}\nhttp {\n"
        + "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + replaced(text, changes)
        + "}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, backend: int, port: int, plain: int, certificate: Path) -> list[str]:
    """Write the configuration of Caddy with other ports and a certificate; return the command."""
    text = (ROOT / "deploy/caddy/Caddyfile").read_text()
    changes = {
        "127.0.0.1:8501": f"127.0.0.1:{backend}",
        f"\n{NAME} {{\n": f"\n{NAME} {{\n\ttls {certificate} {certificate}\n",
    }
    options = f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {port}\n}}\n"
    (folder / "Caddyfile").write_text(options + replaced(text, changes))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass(frozen=True)
class Proxied(Running):
    """A server as browsers reach it: by its name, over HTTPS, from another address."""

    port: int = 0
    plain: int = 0
    tls: ssl.SSLContext | None = None

    @contextlib.contextmanager
    def http(self, **cookies: str) -> Iterator[httpx2.Client]:
        assert self.tls
        transport = httpx2.HTTPTransport(verify=self.tls, local_address=CLIENT)
        with httpx2.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            transport=transport,
            cookies=cookies or None,
            headers={"host": f"{NAME}:{self.port}", "x-forwarded-for": "6.6.6.6"},
            timeout=30,
        ) as client:
            client.event_hooks["request"] = [_named]
            if not cookies:
                first = client.get("/", headers={"accept": "text/html"})
                assert first.status_code == 200, first.text
            yield client

    def tab(self, **options: object) -> Tab:
        connection = {
            "ssl": self.tls,
            "server_hostname": NAME,
            **at(self.port),
        }
        address = f"wss://{NAME}:{self.port}/_stcore/stream"
        return Tab(address, **{**options, "source": CLIENT, "connection": connection})  # type: ignore[arg-type]


def at(port: int) -> dict[str, Any]:
    """Return what connects a websocket to this machine, whatever its address says."""
    return {"address": ("127.0.0.1", port), "proxy": None}


def _named(request: httpx2.Request) -> None:
    request.extensions["sni_hostname"] = NAME


def padded(numbers: range) -> list[Record]:
    """Return large events with these numbers."""
    return [api_event(number, padding=f"{number:0{PADDING}}") for number in numbers]


@pytest.fixture(scope="module")
def silent() -> Iterator[socket.socket]:
    """Return an API that takes requests and never answers, so that a poll runs all the time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def proxied_server(start_server: Callable[..., Running], silent: socket.socket) -> Running:
    """Return a server with the settings that the configurations name, and 20 MB of events."""
    server = start_server(
        program=("-m", "trail", "serve", "--port"),
        TRAIL_SERVER__LOG_FORMAT="json",
        TRAIL_SEGMENT__TOKEN="sgp_x",
        TRAIL_SEGMENT__URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
        TRAIL_SERVER__HTTPS="true",
        TRAIL_SERVER__ALLOWED_HOSTS=f'["{NAME}"]',
        TRAIL_SERVER__TRUSTED_PROXIES='["127.0.0.1"]',
        TRAIL_SERVER__METRICS_TOKEN="for-the-scraper",
        TRAIL_FORWARD__PUBLIC_URL=f"https://{NAME}",
    )
    path = server.log.with_name("events.ndjson")
    path.write_bytes(ndjson(padded(range(EVENTS))))
    server.command("load", str(path))
    return server


@pytest.fixture(scope="module")
def backend(start_server: Callable[..., Running], silent: socket.socket) -> Running:
    return proxied_server(start_server, silent)


@pytest.fixture(params=[nginx, caddy], ids=lambda proxy: proxy.__name__)
def proxied(
    request: pytest.FixtureRequest, backend: Running, certificate: Path, tmp_path: Path
) -> Iterator[Proxied]:
    """Return the server behind a proxy."""
    program = request.param.__name__
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    port, plain, behind = free_port(), free_port(), int(backend.url.rpartition(":")[2])
    command = request.param(tmp_path, behind, port, plain, certificate)
    log = tmp_path / "proxy.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(tmp_path)},
        )
    tls = ssl.create_default_context(cafile=str(certificate))
    try:
        deadline = time.monotonic() + 20
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Proxied(
            f"https://127.0.0.1:{port}",
            backend.users,
            backend.log,
            backend.environment,
            backend.process,
            port,
            plain,
            tls,
        )
    finally:
        process.terminate()
        process.wait(10)


def metrics(backend: Running) -> str:
    headers = {"authorization": "Bearer for-the-scraper", "host": NAME}
    return httpx2.get(f"{backend.url}/metrics", headers=headers).text


def test_everything_works_behind_the_proxy(proxied: Proxied, backend: Running) -> None:
    sid = proxied.sign_in("maya")  # the form, the websocket and the redirect
    with proxied.tab(sid=sid) as tab:
        assert "PAGE SECRET for maya" in tab.run(page="probe")
    with proxied.http() as client:
        assert client.cookies[VISIT_COOKIE]
        assert all(cookie.secure for cookie in client.cookies.jar)
        large = client.post("/v1/batch", content=b"x" * 3_000_000)
        assert large.status_code in {401, 404, 413}  # of the server, not of the proxy
        assert large.headers["content-type"].startswith("application/")

    plain = httpx2.get(f"http://127.0.0.1:{proxied.plain}/explore?q=a", headers={"host": NAME})
    assert plain.status_code in {301, 308}
    assert plain.headers["location"].startswith(f"https://{NAME}")

    with proxied.http(**{COOKIE: sid}) as client:
        with client.stream("GET", "/export.ndjson") as response:
            parts = response.iter_raw(65_536)
            size = len(next(parts))
            time.sleep(0.5)
            # A proxy that stored the file would have read it to its end by now.
            assert 'share="open_exports",state="running"} 1.0' in metrics(backend)
            size += sum(map(len, parts))
        assert size > EVENTS * PADDING

        entries = csv.DictReader(
            io.StringIO(client.get("/export.access.csv").text.lstrip("\ufeff"))
        )
        signed_in: list[dict[str, Any]] = [row for row in entries if row["kind"] == "signed_in"]
    assert {row["address"] for row in signed_in} == {CLIENT}


def test_it_stops_within_ten_seconds_whatever_runs(
    start_server: Callable[..., Running], silent: socket.socket
) -> None:
    """With a poll, a load, a tab and an export whose client reads nothing, all half-way."""
    backend = proxied_server(start_server, silent)  # its own, which ends here
    assert backend.process
    path = backend.log.with_name("more.ndjson")
    path.write_bytes(ndjson(padded(range(EVENTS, 3 * EVENTS))))
    token = backend.command("tokens", "add", "ci", "--role", "manager", "--scope", "export").strip()
    headers = {"host": NAME, "authorization": f"Bearer {token}"}
    port = int(backend.url.rpartition(":")[2])
    address = f"ws://{NAME}:{port}/_stcore/stream"
    with contextlib.ExitStack() as stack:
        tab = stack.enter_context(Tab(address, connection=at(port)))
        tab.run(page="probe")
        client = stack.enter_context(httpx2.Client(base_url=backend.url, headers=headers))
        response = stack.enter_context(client.stream("GET", "/export.ndjson"))
        assert response.status_code == 200
        load = subprocess.Popen(
            [sys.executable, "-m", "trail", "load", str(path)],
            cwd=ROOT,
            env=backend.environment,
            stderr=subprocess.DEVNULL,
        )
        while '"batches": 1,' in backend.command("status", "--json"):
            assert load.poll() is None
        started = time.monotonic()
        backend.process.terminate()
        code = backend.process.wait(20)
        assert time.monotonic() - started < 10
        load.wait(20)
    assert code in {-signal.SIGTERM, 1}
    events = [json.loads(line) for line in backend.log.read_text().splitlines()]
    messages = [event["message"] for event in events]
    assert any("waiting up to 2 seconds for: Segment Public API" in text for text in messages)
    with read_only.opened(backend.log.with_name("trail.duckdb")) as database:
        (row,) = database.table(
            "select (select count(*) from events) as events, sum(kept) as kept, "
            "bool_and(read = kept + duplicates + quarantined) as balanced from batches"
        ).to_pylist()
    assert row["balanced"]
    assert row["events"] == row["kept"]
    assert EVENTS <= row["events"] <= 3 * EVENTS
