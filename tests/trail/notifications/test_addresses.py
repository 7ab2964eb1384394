"""Requests that are made to reach inside: each is refused, and no connection is begun."""

import ipaddress
import itertools
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.receiver import Receiver
from trail.core.errors import InputError
from trail.core.model import Request, Response
from trail.notifications import addresses, apprise_transport, smtp_transport
from trail.notifications.http_transport import HttpTransport

_seen: list[Any] = []
_watching = [False]


def _look(event: str, given: tuple[Any, ...]) -> None:
    if _watching[0] and event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        _seen.append((event, given[1] if event == "socket.connect" else given[0]))


sys.addaudithook(_look)


@pytest.fixture
def watched() -> Iterator[list[Any]]:
    """Return the list of connections and look-ups that are begun during the test."""
    _seen.clear()
    _watching[0] = True
    yield _seen
    _watching[0] = False


INSIDE = [
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


# Other ways to write 127.0.0.1, 169.254.169.254 and the like.
NUMBERS = [
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
WRITTEN = (
    [f"https://{number}/" for number in NUMBERS]
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
# A name that stands for each address inside; and for a good and a bad one at once.
STANDS = [[address] for address in INSIDE]
BOTH = [["93.184.215.14", bad] for bad in ("127.0.0.1", "10.0.0.1", "fd00::1", "169.254.169.254")]
NOT_ADDRESSES = [["localhost"], ["fe80::1%eth0"], ["93.184.215.14%1"], ["0x7f000001"], ["127.1"]]
CASES = (
    [(url, ["93.184.215.14"]) for url in [*map(_url, INSIDE), *WRITTEN]]
    + [("https://hooks.example.com/", item) for item in [*STANDS, *BOTH, *NOT_ADDRESSES]]
    + [("https://localhost/", ["127.0.0.1"]), ("https://metadata.google.internal/", INSIDE[13:14])]
)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 200
    assert len({(url, *item) for url, item in CASES}) == len(CASES)


def _given(url: str, addresses: list[str]) -> list[str]:
    """Return what a resolver says: the address itself where the host is one."""
    host = url.removeprefix("https://").strip("/").strip("[]")
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return addresses


@pytest.mark.parametrize(("url", "addresses"), CASES, ids=range(len(CASES)))
def test_nothing_inside_is_connected_to(url: str, addresses: list[str], watched: list[Any]) -> None:
    wire = HttpTransport(
        loopback=False, timeout_s=1, resolve=lambda host, port: _given(url, addresses)
    )
    with pytest.raises(InputError) as refused:
        wire.send(Request(url, (), b"{}"))
    assert watched == []
    assert refused.value.hint
    wire.close()


@pytest.mark.parametrize("address", INSIDE)
def test_mail_goes_nowhere_inside(address: str, watched: list[Any]) -> None:
    request = Request("smtp://mail.example.com:587", (), b"")
    with pytest.raises(InputError):
        smtp_transport.send(
            request,
            HttpTransport(loopback=False, timeout_s=1),
            resolve=lambda host, port: [address],
        )
    assert watched == []


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
def test_the_public_internet_is_allowed(address: str) -> None:
    assert addresses.allowed(address, loopback=False)


def test_a_name_is_looked_up_once_and_its_address_is_connected_to(watched: list[Any]) -> None:
    """Rebinding: the second answer would lead inside, and is never asked for."""
    answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["169.254.169.254"]))
    with Receiver() as receiver:
        wire = HttpTransport(loopback=True, timeout_s=2, resolve=lambda host, port: next(answers))
        _watching[0] = True
        assert wire.send(Request(receiver.url, (), b"{}")).status == 200
        wire.close()
        connects = [where for event, where in watched if event == "socket.connect"]
        assert connects == [("127.0.0.1", receiver.port)]
        assert not [item for item in watched if item[1] == "169.254.169.254"]


def test_the_certificate_must_bear_the_name_and_the_host_header_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TLS asks for the name while the socket goes to the address."""
    asked: list[Any] = []

    class Context(ssl.SSLContext):
        def wrap_socket(self, sock: Any, **given: Any) -> Any:
            asked.append((sock.getpeername()[0], given.get("server_hostname")))
            raise ssl.SSLError("enough was seen")

    with Receiver() as receiver:
        wire = HttpTransport(
            loopback=True,
            timeout_s=2,
            resolve=lambda host, port: ["127.0.0.1"],
            context=Context(ssl.PROTOCOL_TLS_CLIENT),
        )
        answer = wire.send(Request(f"https://hooks.example.com:{receiver.port}/", (), b""))
    assert answer.status == 0
    assert asked == [("127.0.0.1", "hooks.example.com")]
    assert ssl.create_default_context().check_hostname


def test_no_proxy_and_no_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as other, Receiver(answer=302, headers={"Location": other.url}) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, other.url)
        wire = HttpTransport(loopback=True, timeout_s=2)
        answer = wire.send(Request(receiver.url, (("X-A", "b"),), b"{}"))
        wire.close()
        assert (answer.status, len(receiver.taken), len(other.taken)) == (302, 1, 0)
        assert receiver.taken[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_an_answer_is_read_to_its_limit_only() -> None:
    with Receiver(answer="long") as receiver:
        wire = HttpTransport(loopback=True, timeout_s=2)
        assert len(wire.send(Request(receiver.url, (), b"{}")).body) == 65_536
        wire.close()


def test_loopback_is_this_machine_by_its_usual_addressesonly() -> None:
    assert addresses.allowed("127.0.0.1", loopback=True)
    assert addresses.allowed("::1", loopback=True)
    for other in ("127.0.0.2", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"):
        assert not addresses.allowed(other, loopback=True)
    with pytest.raises(InputError):
        addresses.read("http://hooks.example.com/", loopback=True)


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    wire = HttpTransport(loopback=False, timeout_s=1, resolve=fails)
    answer = wire.send(Request("https://hooks.example.com/", (), b""))
    assert answer == Response(0, error="The service cannot be reached.")


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
def test_apprise_has_its_hands_tied(url: str, loopback: bool, status: int) -> None:
    pytest.importorskip("apprise")
    with Receiver() as receiver:
        body = b'{"title": "t", "body": "b", "type": "info"}'
        request = Request(url.format(port=receiver.port), (), body)
        answer = apprise_transport.send(request, HttpTransport(loopback=loopback, timeout_s=5))
        assert answer.status == status
        assert len(receiver.taken) == (status == 200)
