"""From an event that arrives to the message in Slack, and to a mail server under real TLS."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.conftest import Load
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from trail.core.clock import utc_now
from trail.core.model import Request
from trail.core.settings import Forward, Settings
from trail.notifications import destinations, rule_store, smtp_transport
from trail.notifications.destinations import Destination
from trail.notifications.http_transport import HttpTransport
from trail.notifications.rule import Rule
from trail.runtime.notification_job import Outgoing
from trail.storage.database import Store

WAREHOUSE = {"resource_type": "warehouse", "resource_id": "WH1", "target": "Prod"}


def test_a_warehouse_disabled_reaches_slack_with_its_link(
    store: Store, settings: Settings, load: Load
) -> None:
    with Receiver() as slack:
        using = Forward(
            allow_loopback=True,
            public_url="https://trail.example.com/",
            secrets={"slack_ops": SecretStr(slack.url)},
        )
        outgoing = Outgoing(settings.model_copy(update={"forward": using}), lambda: store)
        made = Destination(0, "slack", "ops", {}, {"url": "slack_ops"})
        rule = Rule("Warehouses", query="kind=disable", destinations=("ops",))
        store.write(lambda cursor: destinations.add(cursor, made, using, "owner"))
        store.write(lambda cursor: rule_store.save(cursor, rule, "owner"))
        load(ndjson([forwarded(1)]))
        outgoing.run()
        now = f"{utc_now().isoformat(timespec='milliseconds')}Z"
        event = forwarded(2, "Warehouse Disabled", details=WAREHOUSE, timestamp=now)
        load(ndjson([event]))
        began = time.monotonic()
        while not slack.taken and time.monotonic() - began < 5:
            outgoing.run()
            time.sleep(0.05)
        outgoing.close()
        assert time.monotonic() - began < 5
        message = slack.taken[0].json
        assert "disabled the warehouse Prod." in message["text"]
        opens = message["blocks"][-1]["elements"][0]["url"]
        wanted = f"https://trail.example.com/explore?event={message_id(2)}&at="
        assert opens.startswith(wanted)


@pytest.mark.parametrize(("named", "status"), [("mail.example.com", 200), ("other.example.com", 0)])
def test_mail_goes_out_under_tls_to_the_server_of_that_name(
    tmp_path: Path, named: str, status: int
) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("needs openssl to make a certificate")
    key, cert = tmp_path / "k.pem", tmp_path / "c.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {cert}".split()
    name = ["-subj", "/CN=mail.example.com", "-addext", "subjectAltName=DNS:mail.example.com"]
    subprocess.run([openssl, *words, *name], check=True, capture_output=True)
    heard: list[bytes] = []
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
                        heard.append(line.strip())
                        inside = b"DATA" in [item.upper() for item in heard] and b"." not in heard
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
    answer = smtp_transport.send(
        Request(url, envelope, b"Subject: x\r\n\r\nSaid.\r\n"),
        HttpTransport(loopback=True, timeout_s=3),
        resolve=lambda host, port: ["127.0.0.1"],
        context=ssl.create_default_context(cafile=str(cert)),
    )
    listening.close()
    thread.join(3)
    assert answer.status == status
    assert (b"Said." in heard) == (status == 200)
