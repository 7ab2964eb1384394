"""Syslog over TLS: framing, hostile text, certificates, and a real rsyslog if installed."""

import datetime as dt
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarders.syslog import MESSAGE_BYTES, message, request
from tests.conftest import Load
from tests.forwarders.siem_servers import dead, send_all, stream_to
from tests.forwarders.syslog_server import Certificates, SyslogServer, frames
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from tests.trail.notifications.conftest import Clock, Make, forward
from trail.core.errors import InputError
from trail.core.model import Notification
from trail.core.settings import Settings
from trail.notifications import delivery_log
from trail.storage.duckdb import Store

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
HEAD = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z) (\S+) segment-audit-trail - "
    rb"(event|notice) - (.*)",
    re.DOTALL,
)
HOSTILE = 'a\n<13>1 - - - - - - forged\r\n|x=y\\ \0\x1b[31m "q" \u2028 €'


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return new certificates."""
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server(certificates: Certificates) -> Iterator[SyslogServer]:
    """Return a running receiver."""
    with SyslogServer(certificates) as running:
        yield running


def trusting(sending: Settings, ca_file: Path | str) -> Settings:
    """Return *sending* with a file of authorities."""
    return sending.model_copy(update={"forward": forward(ca_file=str(ca_file), timeout_s=5)})


def place(port: int, **more: str) -> dict[str, str]:
    """Return the settings of a destination on this machine."""
    return {"host": "127.0.0.1", "port": str(port), **more}


@pytest.mark.parametrize("format", ["ocsf", "ecs", "cef"])
def test_events_arrive_once_and_in_order(
    store: Store,
    make: Make,
    clock: Clock,
    sending: Settings,
    load: Load,
    server: SyslogServer,
    format: str,
) -> None:
    stream_to(store, "syslog", place(server.port, format=format))
    names = {n: HOSTILE if n == 7 else "Space Modified" for n in range(250)}
    load(ndjson(forwarded(n, name) for n, name in names.items()))
    send_all(make, trusting(sending, server.certificates.authority), clock, store)
    assert len(server.messages) == 250
    for number, text in enumerate(server.messages):
        found = HEAD.fullmatch(text)
        assert found
        assert found[1] in (b"108", b"109", b"110")
        assert b"\n" not in text
        if format == "cef":
            assert f"externalId={message_id(number)} ".encode() in found[5]
        else:
            part, name = ("metadata", "uid") if format == "ocsf" else ("event", "id")
            assert json.loads(found[5])[part][name] == message_id(number)


def test_interrupted_batch_is_sent_again(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load, server: SyslogServer
) -> None:
    server.resets = 2
    stream_to(store, "syslog", place(server.port))
    load(ndjson(forwarded(n) for n in range(5)))
    send_all(make, trusting(sending, server.certificates.authority), clock, store)
    assert server.resets == 0
    assert len(server.messages) == 5
    assert dead(store) == []


@pytest.mark.parametrize(
    ("demands_certificate", "trusted", "answer"),
    [
        (False, False, "The certificate of the server is not trusted"),
        (True, True, "The connection to the syslog server failed"),
    ],
)
def test_nothing_is_lost_when_the_certificates_do_not_fit(
    store: Store,
    make: Make,
    sending: Settings,
    load: Load,
    certificates: Certificates,
    demands_certificate: bool,
    trusted: bool,
    answer: str,
) -> None:
    with SyslogServer(certificates, demands_certificate) as server:
        stream_to(store, "syslog", place(server.port))
        load(ndjson(forwarded(n) for n in range(3)))
        using = trusting(sending, certificates.authority if trusted else "")
        make(using=using).run_once(until_done=True)
        assert server.messages == []
    rows = delivery_log.list_deliveries(store, state="waiting")
    assert len(rows) == 3
    assert answer in rows[-1]["answer"]


@pytest.mark.parametrize("fault", ["hang", "drip", "garbage", "reset"])
def test_server_without_tls_is_given_up(
    store: Store, make: Make, sending: Settings, load: Load, receiver: Receiver, fault: str
) -> None:
    receiver.answer, receiver.hang_s = fault, 5
    stream_to(store, "syslog", place(receiver.port))
    load(ndjson([forwarded(1)]))
    began = time.monotonic()
    make().run_once(until_done=True)
    assert time.monotonic() - began < 2
    assert delivery_log.list_deliveries(store, state="waiting")[0]["tries"] == 1


def test_unreadable_authorities_switch_off(
    store: Store, make: Make, sending: Settings, load: Load, server: SyslogServer
) -> None:
    stream_to(store, "syslog", place(server.port))
    load(ndjson([forwarded(1)]))
    make(using=trusting(sending, "/nonexistent.pem")).run_once(until_done=True)
    (problem,) = delivery_log.problems(store)
    assert problem.answer.startswith("The certificates of forward.ca_file cannot be read.")


_TEXT = st.text(max_size=40) | st.text(st.sampled_from("a|=\\\n\r<1> \0\x1b\ud800\u2028"))


@given(
    texts=st.lists(st.tuples(_TEXT, _TEXT, _TEXT), min_size=1, max_size=4),
    format=st.sampled_from(["ocsf", "ecs", "cef"]),
    repeated=st.sampled_from([1, 300]),
)
def test_any_text_stays_in_its_message(
    texts: list[tuple[str, str, str]], format: str, repeated: int
) -> None:
    events = [
        Notification(
            "event",
            key,
            dt.datetime(2026, 11, 24),
            {"action": action * repeated, "target_name": name * repeated, "raw": name * 9000},
            "https://trail.example.com",
        )
        for key, action, name in texts
    ]
    settings = {"host": "siem.example.com", "format": format, "original": "include"}
    sent = frames(request(events, settings, {}, NOW).body)
    assert len(sent) == len(events)
    for text in sent:
        assert len(text) <= MESSAGE_BYTES
        found = HEAD.fullmatch(text)
        assert found
        assert found[3] == b"trail.example.com"
        body = found[5].decode()
        assert body.isprintable() if format == "cef" else isinstance(json.loads(body), dict)


def test_other_messages_have_their_own_severity() -> None:
    body: dict[str, Any] = {"title": "T", "text": "X", "severity": "critical"}
    one = Notification("notice", "k", dt.datetime(2026, 11, 24, 1, 2, 3), body)
    text = message(one, {"format": "cef"})
    assert text.startswith(b"<106>1 2026-11-24T01:02:03Z - segment-audit-trail - notice - CEF:0|")


def test_invalid_port_is_refused() -> None:
    with pytest.raises(InputError, match="invalid port"):
        request([], {"host": "siem.example.com", "port": "x"}, {}, NOW)


_OURS = "segment-audit-trail"
RSYSLOG = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin")
_CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="16k" defaultNetstreamDriverCAFile="{ca}"
  defaultNetstreamDriverCertFile="{cert}" defaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" streamDriver.name="{driver}" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="0" listenPortFileName="{folder}/port" address="127.0.0.1")
template(name="line" type="string" string="%pri% %app-name% %msgid% %msg%\\n")
action(type="omfile" file="{folder}/events.log" template="line" flushInterval="1")
"""


@pytest.mark.skipif(not RSYSLOG, reason="apt-get install rsyslog-openssl")
def test_rsyslog_reads_every_message(
    store: Store,
    make: Make,
    clock: Clock,
    sending: Settings,
    load: Load,
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    drivers = {"ossl": "lmnsd_ossl.so", "gtls": "lmnsd_gtls.so"}
    driver = next((n for n, f in drivers.items() if list(Path("/usr/lib").rglob(f))), "")
    if not driver:
        pytest.skip("rsyslog has no TLS driver: apt-get install rsyslog-openssl")
    folder = tmp_path / "rsyslog"
    folder.mkdir()
    (folder / "rsyslog.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            ca=certificates.authority,
            cert=certificates.server,
            key=certificates.key,
            driver=driver,
        )
    )
    command = [str(RSYSLOG), "-n", "-iNONE", "-f", str(folder / "rsyslog.conf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            port = _wait_for(folder / "port", 1, process)[0]
            stream_to(store, "syslog", place(int(port)))
            names = {n: HOSTILE if n == 7 else "Space Modified" for n in range(250)}
            load(ndjson(forwarded(n, name) for n, name in names.items()))
            send_all(make, trusting(sending, certificates.authority), clock, store)
            lines = _wait_for(folder / "events.log", 250, process)
        finally:
            process.terminate()
    received = [line.split(" ", 3) for line in lines]
    assert {tuple(parts[1:3]) for parts in received} == {("segment-audit-trail", "event")}
    ids = [json.loads(parts[3])["metadata"]["uid"] for parts in received]
    assert ids == [message_id(n) for n in range(250)]
    assert json.loads(received[7][3])["unmapped"]["action_raw"] == HOSTILE


def _wait_for(path: Path, lines: int, process: "subprocess.Popen[bytes]") -> list[str]:
    """Return the lines of the file once there are so many, of those with our name."""
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        found = path.read_text().split("\n") if path.exists() else []
        found = [line for line in found if line and (lines == 1 or _OURS in line)]
        if len(found) >= lines:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{path.name}: not enough lines")
