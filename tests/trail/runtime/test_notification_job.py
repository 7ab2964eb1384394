"""From an incoming event to a Slack message, and email over real TLS."""

import datetime as dt
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from forwarders import mail
from tests.conftest import Load
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from tests.test_contract_forwarders import build_request, notification
from tests.trail.incidents import failures
from trail.core.clock import naive_utc, utc_now
from trail.core.model import Request
from trail.core.sections import Forward
from trail.core.settings import Settings
from trail.incidents import queries
from trail.notifications import destinations, rule_store, smtp_transport
from trail.notifications.destination import Destination
from trail.notifications.http_transport import HttpTransport
from trail.notifications.rule import Rule
from trail.runtime import maintenance
from trail.runtime.notification_job import NotificationJob
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.triage import records as triage

WAREHOUSE = {"resource_type": "warehouse", "resource_id": "WH1", "target": "Prod"}


def test_what_is_muted_is_reported_when_the_mute_has_ended(
    store: Store, settings: Settings, load: Load
) -> None:
    now = failures.at(6 * 60)
    attempts = (one for hour in range(6) for one in failures.run(60 * hour, 5, failures.WAREHOUSE))
    load(failures.text(*attempts))
    (incident,) = queries.incidents(store, Filter(), now, only_open=True)
    rule = Rule("Broken", "incidents")
    number = store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))
    name = triage.subject("incident", incident.incident_id)
    triage.mute(store, name, utc_now() + dt.timedelta(days=1), "release", "maya")
    maintenance.evaluate_alerts(store, naive_utc(now))
    assert rule_store.seen_keys(store, number) == []
    triage.mute(store, name, None, "", "maya")
    maintenance.evaluate_alerts(store, naive_utc(now))
    assert rule_store.seen_keys(store, number) == [incident.incident_id]


def test_a_matching_event_is_sent_to_slack_with_its_link(
    store: Store, settings: Settings, load: Load
) -> None:
    with Receiver() as slack:
        forward = Forward(
            allow_loopback=True,
            public_url="https://trail.example.com/",
            secrets={"slack_ops": SecretStr(slack.url)},
        )
        job = NotificationJob(settings.model_copy(update={"forward": forward}), lambda: store)
        destination = Destination(0, "slack", "ops", {}, {"url": "slack_ops"})
        rule = Rule("Warehouses", query="kind=disable", destinations=("ops",))
        store.write(lambda cursor: destinations.add(cursor, destination, forward, "owner"))
        store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))
        load(ndjson([forwarded(1)]))
        job.run()
        now = f"{utc_now().isoformat(timespec='milliseconds')}Z"
        event = forwarded(2, "Warehouse Disabled", details=WAREHOUSE, timestamp=now)
        load(ndjson([event]))
        started = time.monotonic()
        while not slack.taken and time.monotonic() - started < 5:
            job.run()
            time.sleep(0.05)
        job.close()
        assert time.monotonic() - started < 5
        message = slack.taken[0].json
        assert "disabled the warehouse Prod." in message["text"]
        link = message["blocks"][-1]["elements"][0]["url"]
        expected = f"https://trail.example.com/explore?event={message_id(2)}&at="
        assert link.startswith(expected)


@pytest.mark.parametrize(("named", "status"), [("mail.example.com", 200), ("other.example.com", 0)])
def test_email_is_sent_only_if_the_certificate_names_the_server(
    tmp_path: Path, named: str, status: int
) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("needs openssl to make a certificate")
    key, cert = tmp_path / "k.pem", tmp_path / "c.pem"
    arguments = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {cert}".split()
    name = ["-subj", "/CN=mail.example.com", "-addext", "subjectAltName=DNS:mail.example.com"]
    subprocess.run([openssl, *arguments, *name], check=True, capture_output=True)
    received: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def serve() -> None:
        plain, _ = listening.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                connection.sendall(b"220 mail.example.com\r\n")
                with connection.makefile("rb") as lines:
                    for line in lines:
                        received.append(line.strip())
                        inside = (
                            b"DATA" in [item.upper() for item in received] and b"." not in received
                        )
                        if line.strip().upper() == b"DATA":
                            connection.sendall(b"354 go on\r\n")
                        elif not inside:
                            connection.sendall(b"250 mail.example.com\r\n")
        except OSError:
            plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    envelope = (("from", "trail@example.com"), ("to", "mara@example.com"))
    url = f"smtps://{named}:{listening.getsockname()[1]}"
    response = smtp_transport.send(
        Request(url, envelope, build_request(mail.FORWARDER, notification("digest")).body),
        HttpTransport(loopback=True, timeout_s=3),
        resolve=lambda host, port: ["127.0.0.1"],
        context=ssl.create_default_context(cafile=str(cert)),
    )
    listening.close()
    thread.join(3)
    assert response.status == status
    assert (b"- Changes: 1,821 (+6 %)" in received) == (status == 200)
    assert any(b"text/html" in line for line in received) == (status == 200)
