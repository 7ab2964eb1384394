"""Server-side request forgery: each URL is refused before any connection or DNS query."""

import ipaddress
import itertools
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from tests.receiver import Receiver
from trail.core.errors import InputError
from trail.core.model import Request, Response
from trail.core.sections import Forward
from trail.notifications import addresses, apprise_transport, smtp_transport
from trail.notifications.http_transport import HttpTransport

_recorded_calls: list[Any] = []
_is_recording = [False]


def _record_call(event: str, args: tuple[Any, ...]) -> None:
    if _is_recording[0] and event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        _recorded_calls.append((event, args[1] if event == "socket.connect" else args[0]))


sys.addaudithook(_record_call)


@pytest.fixture
def network_calls() -> Iterator[list[Any]]:
    """Return the connections and DNS queries of the test, in order."""
    _recorded_calls.clear()
    _is_recording[0] = True
    yield _recorded_calls
    _is_recording[0] = False


NON_PUBLIC_ADDRESSES = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1.1.1",
    "127.255.255.255",
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.88.99.2",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "2001:10::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "fec0::1",
    "ff02::1",
    "ff05::1",
    "ff0e::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
    "4000::1",
]


def _url(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


# Numeric forms of 127.0.0.1, 169.254.169.254 and similar addresses.
NUMERIC_HOSTS = [
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "0177.1",
    "127.1",
    "127.0.1",
    "127.0.0.01",
    "127.0.0.1.",
    "127.000.000.001",
    "0",
    "0x0",
    "00",
    "1",
    "0.0",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "0xa9.0xfe.0xa9.0xfe",
    "3232235521",
    "0xc0a80001",
    "192.168.1",
    "10.1",
    "4294967295",
    "4294967296",
    "256.256.256.256",
    "1.2.3.4.5",
    "0x",
    "0xg",
    "127.0.0.1.nip.0x7f",
    "1e3",
    "8.8.8",
    "134744072",
    "0x08080808",
    "010.010.010.010",
]
INVALID_URLS = (
    [f"https://{number}/" for number in NUMERIC_HOSTS]
    + [
        f"https://{name}/"
        for name in (
            "ⓔⓧⓐⓜⓟⓛⓔ.com",
            "127。0。0。1",
            "127．0．0．1",
            "①②⑦.⓪.⓪.①",
            "１２７.0.0.1",
            "loc\u00adalhost",
            "localhost\u3002",
            "lo\u212aalhost",
            "b\u00fccher.example.com",
            "example.com%00.internal",
            "exa mple.com",
            "example.com%2f@127.0.0.1",
            "example..com",
            ".example.com",
            "-example.com",
            "example-.com",
            "a" * 64 + ".example.com",
            ("a" * 60 + ".") * 5 + "com",
            "*.example.com",
            "example.com,127.0.0.1",
            "[::1",
            "::1]",
            "[::1%lo]",
            "[fe80::1%25eth0]",
            "[::ffff:127.0.0.1]x",
            "[127.0.0.1]",
            "[v1.x]",
            "[]",
            "",
            "user@127.0.0.1",
            "user:word@hooks.example.com",
            "hooks.example.com@127.0.0.1",
            "hooks.example.com:443@127.0.0.1:80",
            "127.0.0.1\\@hooks.example.com",
            "hooks.example.com\\@127.0.0.1",
            "hooks.example.com#@127.0.0.1",
            "127.0.0.1#.example.com",
            "hooks.example.com:0",
            "hooks.example.com:99999",
            "hooks.example.com:-1",
            "hooks.example.com:44 3",
            "hooks.example.com:443:80",
            "hooks.example.com\t",
            "hooks.example.com\r\nHost: 127.0.0.1",
            "hooks.example.com/\r\nX: y",
            "hooks.example.com/a b",
            "hooks.example.com/\u2028",
            "hooks.example.com/\x00",
            "hooks.example.com/\x7f",
            "hooks.example.com/" + "a" * 2_100,
        )
    ]
    + [
        f"{scheme}hooks.example.com/"
        for scheme in (
            "http://",
            "HTTP://",
            "ftp://",
            "file://",
            "gopher://",
            "dict://",
            "ldap://",
            "ws://",
            "wss://",
            "unix://",
            "jar:https://",
            "javascript:",
            "data:",
            "//",
            "",
            "https:",
            "https:/",
            "https:\\\\",
            "https:///",
            " https://",
            "\thttps://",
            "h\nttps://",
            "https+unix://",
        )
    ]
    + ["file:///etc/passwd", "https://", "http://127.0.0.1:8501/", "http://localhost/", "x", "://"]
)
# DNS answers: one non-public address, or a public and a non-public one.
SINGLE_ANSWERS = [[address] for address in NON_PUBLIC_ADDRESSES]
MIXED_ANSWERS = [
    ["93.184.215.14", bad] for bad in ("127.0.0.1", "10.0.0.1", "fd00::1", "169.254.169.254")
]
INVALID_ANSWERS = [["localhost"], ["fe80::1%eth0"], ["93.184.215.14%1"], ["0x7f000001"], ["127.1"]]
CASES = (
    [(url, ["93.184.215.14"]) for url in [*map(_url, NON_PUBLIC_ADDRESSES), *INVALID_URLS]]
    + [
        ("https://hooks.example.com/", item)
        for item in [*SINGLE_ANSWERS, *MIXED_ANSWERS, *INVALID_ANSWERS]
    ]
    + [
        ("https://localhost/", ["127.0.0.1"]),
        ("https://metadata.google.internal/", NON_PUBLIC_ADDRESSES[13:14]),
    ]
)


def test_cases_are_unique_and_numerous() -> None:
    assert len(CASES) >= 200
    assert len({(url, *item) for url, item in CASES}) == len(CASES)


def _resolve(url: str, addresses: list[str]) -> list[str]:
    """Return the host of *url* if it is an IP address, else *addresses*."""
    host = url.removeprefix("https://").strip("/").strip("[]")
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return addresses


@pytest.mark.parametrize(("url", "addresses"), CASES, ids=range(len(CASES)))
def test_http_refuses_non_public_addresses(
    url: str, addresses: list[str], network_calls: list[Any]
) -> None:
    transport = HttpTransport(
        loopback=False, timeout_s=1, resolve=lambda host, port: _resolve(url, addresses)
    )
    with pytest.raises(InputError) as error:
        transport.send(Request(url, (), b"{}"))
    assert network_calls == []
    assert error.value.hint
    transport.close()


@pytest.mark.parametrize("address", NON_PUBLIC_ADDRESSES)
def test_smtp_refuses_non_public_addresses(address: str, network_calls: list[Any]) -> None:
    request = Request("smtp://mail.example.com:587", (), b"")
    with pytest.raises(InputError):
        smtp_transport.send(
            request,
            HttpTransport(loopback=False, timeout_s=1),
            resolve=lambda host, port: [address],
        )
    assert network_calls == []


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.215.14",
        "1.1.1.1",
        "172.15.255.255",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "192.167.255.255",
        "223.255.255.254",
        "2606:4700:4700::1111",
        "2a00:1450:4001:800::200e",
    ],
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert addresses.is_allowed(address, loopback=False)


def test_host_is_resolved_once_against_dns_rebinding(network_calls: list[Any]) -> None:
    """The second DNS answer is a non-public address and is never requested."""
    dns_answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["169.254.169.254"]))
    with Receiver() as receiver:
        transport = HttpTransport(
            loopback=True, timeout_s=2, resolve=lambda host, port: next(dns_answers)
        )
        _is_recording[0] = True
        assert transport.send(Request(receiver.url, (), b"{}")).status == 200
        transport.close()
        connects = [where for event, where in network_calls if event == "socket.connect"]
        assert connects == [("127.0.0.1", receiver.port)]
        assert not [item for item in network_calls if item[1] == "169.254.169.254"]


def test_tls_verifies_the_host_name_not_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TLS uses the host name while the socket connects to the IP address."""
    tls_calls: list[Any] = []

    class Context(ssl.SSLContext):
        def wrap_socket(self, sock: Any, **args: Any) -> Any:
            tls_calls.append((sock.getpeername()[0], args.get("server_hostname")))
            raise ssl.SSLError("handshake stopped by the test")

    with Receiver() as receiver:
        transport = HttpTransport(
            loopback=True,
            timeout_s=2,
            resolve=lambda host, port: ["127.0.0.1"],
            context=Context(ssl.PROTOCOL_TLS_CLIENT),
        )
        response = transport.send(Request(f"https://hooks.example.com:{receiver.port}/", (), b""))
    assert response.status == 0
    assert tls_calls == [("127.0.0.1", "hooks.example.com")]
    assert ssl.create_default_context().check_hostname


def test_proxies_and_redirects_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as other, Receiver(answer=302, headers={"Location": other.url}) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, other.url)
        transport = HttpTransport(loopback=True, timeout_s=2)
        response = transport.send(Request(receiver.url, (("X-A", "b"),), b"{}"))
        transport.close()
        assert (response.status, len(receiver.taken), len(other.taken)) == (302, 1, 0)
        assert receiver.taken[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_apprise_follows_no_redirect() -> None:
    pytest.importorskip("apprise")
    with Receiver() as other, Receiver(answer=307, headers={"Location": other.url}) as receiver:
        request = Request(
            f"json://user:secret@127.0.0.1:{receiver.port}/x",
            body=b'{"title": "t", "body": "b", "type": "info"}',
        )
        response = apprise_transport.send(request, HttpTransport(loopback=True, timeout_s=5))
        assert (response.status, len(receiver.taken), len(other.taken)) == (0, 1, 0)


def test_response_body_is_limited() -> None:
    with Receiver(answer="long") as receiver:
        transport = HttpTransport(loopback=True, timeout_s=2)
        assert len(transport.send(Request(receiver.url, (), b"{}")).body) == 65_536
        transport.close()


def test_loopback_allows_only_127_0_0_1_and_ipv6_loopback() -> None:
    assert addresses.is_allowed("127.0.0.1", loopback=True)
    assert addresses.is_allowed("::1", loopback=True)
    for other in ("127.0.0.2", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"):
        assert not addresses.is_allowed(other, loopback=True)
    with pytest.raises(InputError):
        addresses.parse_url("http://hooks.example.com/", loopback=True)


def test_unresolved_host_is_a_transient_error() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    transport = HttpTransport(loopback=False, timeout_s=1, resolve=fails)
    response = transport.send(Request("https://hooks.example.com/", (), b""))
    assert response == Response(0, error="The service cannot be reached.")


@pytest.mark.parametrize(
    ("url", "loopback", "status"),
    [
        ("jsons://127.0.0.1:{port}/", False, 0),
        ("jsons://169.254.169.254/", False, 0),
        ("json://127.0.0.1:{port}/", False, 400),
        ("json://8.8.8.8/", True, 0),
        ("no-such-service://x", False, 400),
        ("json://127.0.0.1:{port}/", True, 200),
    ],
)
def test_apprise_process_is_restricted(url: str, loopback: bool, status: int) -> None:
    pytest.importorskip("apprise")
    with Receiver() as receiver:
        body = b'{"title": "t", "body": "b", "type": "info"}'
        request = Request(url.format(port=receiver.port), (), body)
        response = apprise_transport.send(request, HttpTransport(loopback=loopback, timeout_s=5))
        assert response.status == status
        assert len(receiver.taken) == (status == 200)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.20.0.1", True),
        ("10.20.255.255", True),
        ("10.21.0.1", False),
        ("192.168.0.1", False),
        ("fd12:3456::1", True),
        ("fd00:ec2::254", False),
        ("::ffff:10.20.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("8.8.8.8", True),
    ],
)
def test_private_networks_of_the_settings_are_allowed(address: str, allowed: bool) -> None:
    networks = Forward.model_validate({"networks": ["10.20.0.0/16", "fc00::/7"]}).networks
    assert addresses.is_allowed(address, loopback=False, networks=networks) is allowed
    endpoint = addresses.parse_url("https://siem.example.com", loopback=False)

    def resolve(host: str, port: int) -> list[str]:
        return [address]

    if allowed:
        found = addresses.resolve_public(endpoint, resolve, loopback=False, networks=networks)
        assert found == [address]
    else:
        with pytest.raises(InputError, match="private"):
            addresses.resolve_public(endpoint, resolve, loopback=False, networks=networks)


@pytest.mark.parametrize(
    "network",
    ["0.0.0.0/0", "10.0.0.0/7", "127.0.0.0/8", "169.254.0.0/16", "8.8.8.0/24", "::/0", "fe80::/10"],
)
def test_only_private_networks_can_be_allowed(network: str) -> None:
    with pytest.raises(ValidationError, match="not a private network"):
        Forward.model_validate({"networks": [network]})
