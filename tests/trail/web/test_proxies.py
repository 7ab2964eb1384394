"""Headers about forwarding count only from configured proxies."""

from ipaddress import ip_network
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tests import own_loop
from trail.core.errors import SettingError
from trail.core.sections import Server
from trail.core.settings import Settings, load
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.web.proxies import Proxies

FORWARDING = {
    "x-forwarded-for": "6.6.6.6, 203.0.113.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "evil.example",
    "x-real-ip": "6.6.6.6",
    "forwarded": "for=6.6.6.6;proto=https",
}


def resolved(
    monkeypatch: pytest.MonkeyPatch,
    proxies: tuple[str, ...],
    peer: str | None,
    headers: dict[str, str],
    kind: str = "http",
) -> tuple[str, str, list[str]]:
    """Return the client, the scheme and the header names that the app behind gets."""
    server = Server(trusted_proxies=tuple(map(ip_network, proxies)))
    none: Any = None
    monkeypatch.setattr(process, "_current", [])
    process.start(Runtime(Settings(server=server), none, none, none, none, none, demo=False))
    found: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.append(scope)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "headers": pairs,
    }
    scope["client"] = (peer, 5) if peer else None
    own_loop.run(Proxies(app)(scope, none, none))
    client = found[0]["client"]
    names = [name.decode() for name, _ in found[0]["headers"]]
    return client[0] if client else "", found[0]["scheme"], names


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.7", "testclient", None])
def test_others_cannot_state_a_client(monkeypatch: pytest.MonkeyPatch, peer: str | None) -> None:
    for proxies in ((), ("10.0.0.0/30", "2001:db8::/32")):
        result = resolved(monkeypatch, proxies, peer, {**FORWARDING, "host": "localhost"})
        assert result == (peer or "", "http", ["host"])


@pytest.mark.parametrize(
    ("peer", "stated", "client"),
    [
        ("10.0.0.2", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "6.6.6.6, 203.0.113.9, 10.0.0.3", "203.0.113.9"),
        ("10.0.0.2", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.2", "[2001:db8::1]:80", "2001:db8::1"),
        ("10.0.0.2", "203.0.113.9, unknown", "10.0.0.2"),
        ("10.0.0.2", "203.0.113.9, <script>, 10.0.0.3", "10.0.0.3"),
        ("10.0.0.2", "", "10.0.0.2"),
    ],
)
def test_a_proxy_states_the_client(
    monkeypatch: pytest.MonkeyPatch, peer: str, stated: str, client: str
) -> None:
    headers = {"x-forwarded-for": stated, "x-forwarded-proto": "https"}
    for kind, scheme in (("http", "https"), ("websocket", "wss")):
        result = resolved(monkeypatch, ("10.0.0.0/29",), peer, headers, kind)
        assert result == (client, scheme, [])
    unknown = {"x-forwarded-proto": "gopher"}
    assert resolved(monkeypatch, ("10.0.0.0/29",), peer, unknown)[1] == "http"


def test_setting_must_name_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ('["*"]', '["proxy"]', '["10.0.0.1/8"]'):
        monkeypatch.setenv("TRAIL_SERVER__TRUSTED_PROXIES", value)
        with pytest.raises(SettingError, match="trusted_proxies"):
            load()
