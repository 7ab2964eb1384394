"""Slack's blocks and limits, the webhook's signature, a mail's head and its way out."""

import base64
import email
import email.policy
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from forwarders import mail, slack, webhook
from tests.test_contract_forwarders import (
    ALERT,
    BODIES,
    EVENT,
    HOSTILE,
    NOW,
    ROLLUP,
    made,
    notification,
)
from trail.core.errors import InputError
from trail.core.model import Request, Response
from trail.notifications import smtp_transport as post
from trail.notifications.http_transport import HttpTransport

_SECRET = webhook.FORWARDER.secrets[0].example


def blocks(kind: str, body: Any = None) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = json.loads(made(slack.FORWARDER, notification(kind, body)).body)[
        "blocks"
    ]
    return result


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    return [
        part["text"]
        for block in blocks
        for part in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        if part and part["type"] == "plain_text"
    ]


def test_slack_says_who_what_why_with_both_links() -> None:
    result = blocks("alert")
    assert [block["type"] for block in result] == [
        "header",
        "section",
        "section",
        "context",
        "actions",
    ]
    assert texts(result) == [
        "🔴 Warehouses",
        "Mara disabled the warehouse Prod.",
        "Actor: Mara (mara@example.com)",
        "Target: warehouse Prod",
        "Time: 2026-11-24T11:58:00.250000Z",
        "Rule “Warehouses”",
    ]
    opens, undoes = result[-1]["elements"]
    assert opens["url"] == (
        "https://trail.example.com/explore?event=api-1&at=2026-11-24T11%3A58%3A00.250000"
    )
    assert undoes["url"] == "https://app.example.com/ws1/warehouse/WH1"


def test_slack_lists_the_counts_of_a_roll_up() -> None:
    message = texts(blocks("rollup"))
    assert "4,999 more on 37 targets in 10 min." in message
    assert "T0: ×100" in message
    assert "Other targets: 27" in message
    assert message[0] == "🔴 Warehouses (×4,999)"


@pytest.mark.parametrize("letter", ["&", "<", "x", "🙂", ">"])
def test_slack_stays_within_its_limits(letter: str) -> None:
    long = {
        key: letter * 5_000 if isinstance(value, str) else value for key, value in EVENT.items()
    }
    alert = {**ALERT, "rule": letter * 500, "why": letter * 5_000, "event": long}
    rollup = {**ROLLUP, "text": letter * 5_000}
    rollup["targets"] = [{"label": letter * 900, "count": 1}] * 60
    for item in (blocks("event", long), blocks("alert", alert), blocks("rollup", rollup)):
        assert len(item) <= 50
        for block in item:
            if block["type"] == "header":
                assert len(block["text"]["text"]) <= 150
            if block["type"] == "section":
                assert len(block.get("fields", [])) <= 10
                assert len(block.get("text", {}).get("text", "")) <= 3_000
            for part in block.get("fields", []):
                assert len(part["text"]) <= 2_000
            for part in block.get("elements", []):
                assert len(part.get("url", "")) <= 3_000
        for text in texts(item):
            for start in [n for n, c in enumerate(text) if c == "&"]:
                assert text[start:].startswith(("&amp;", "&lt;", "&gt;"))


@pytest.mark.parametrize("kind", BODIES)
def test_slack_reads_no_markup_in_hostile_text(kind: str) -> None:
    body = {
        name: HOSTILE if isinstance(value, str) and name != "form" else value
        for name, value in BODIES[kind].items()
    }
    request = made(slack.FORWARDER, notification(kind, body))
    assert b"<" not in request.body
    assert b'mrkdwn": true' not in request.body
    assert b'"type": "mrkdwn"' not in request.body


def test_slack_says_in_a_word_what_is_wrong() -> None:
    kinds = {
        word: slack.judge(Response(status, {}, word.encode())).kind
        for status, word in (
            (404, "no_service"),
            (410, "channel_is_archived"),
            (403, "action_prohibited"),
            (400, "invalid_blocks"),
            (500, "rollup_error"),
            (200, "ok"),
        )
    }
    assert kinds == {
        "no_service": "gone",
        "channel_is_archived": "gone",
        "action_prohibited": "unauthorised",
        "invalid_blocks": "rejected",
        "rollup_error": "retry",
        "ok": "ok",
    }


def test_the_webhook_is_signed_as_the_standard_has_it() -> None:
    """The vector is that of the Standard Webhooks reference libraries."""
    key = webhook.key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    made_now = webhook.sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert made_now == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    request = made(webhook.FORWARDER, notification("event"))
    message = dict(request.headers)
    assert message["webhook-id"] == "event_key-1"
    assert message["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"{message['webhook-id']}.{message['webhook-timestamp']}.".encode() + request.body
    wanted = hmac.digest(base64.b64decode(_SECRET.removeprefix("whsec_")), signed, "sha256")
    assert message["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()
    assert json.loads(request.body)["type"] == "audit.event"


@pytest.mark.parametrize("secret", ["", "plain", "whsec_", "whsec_QUFB", "whsec_!!!", _SECRET[6:]])
def test_a_secret_of_another_form_is_refused(secret: str) -> None:
    with pytest.raises(InputError) as refused:
        webhook.key_of(secret)
    assert secret not in str(refused.value) or not secret.strip("whsec_")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "mara",
        "mara@example.com\r\nBcc: all@example.com",
        "mara@example.com, other@example.com",
        "Mara <mara@example.com>",
        "mara@example",
        "a b@example.com",
    ],
)
def test_only_plain_addresses_are_written_to(address: str) -> None:
    given = {"host": "mail.example.com", "from": "trail@example.com", "to": address}
    with pytest.raises(InputError):
        mail.request(notification("event"), given, {}, NOW)


def test_no_event_adds_a_header() -> None:
    spoiled = {**EVENT, "action": "x\r\nBcc: all@example.com\r\n\r\nbody", "target_name": "\n.\n"}
    request = made(mail.FORWARDER, notification("event", spoiled))
    result = email.message_from_bytes(request.body, policy=email.policy.default)
    assert result["bcc"] is None
    assert set(result.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    }


@pytest.fixture
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """Return the port and the words of a mail server that offers no TLS."""
    words: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220 mail.example.com\r\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    words.append(line.decode().strip())
                    connection.sendall(b"250 mail.example.com\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listening.getsockname()[1]), words
    listening.close()
    thread.join(2)


def test_mail_says_nothing_to_a_server_without_tls(mail_server: tuple[int, list[str]]) -> None:
    port, words = mail_server
    envelope = (("from", "a@example.com"), ("to", "b@example.com"), ("password", "a-secret"))
    request = Request(f"smtp://mail.example.com:{port}", envelope, b"Secret: x\r\n\r\n")
    answer = post.send(
        request, HttpTransport(loopback=True, timeout_s=2), resolve=lambda host, port: ["127.0.0.1"]
    )
    assert answer.status == 0
    assert all(word.split()[0] in ("ehlo", "EHLO", "helo", "QUIT", "quit") for word in words)
