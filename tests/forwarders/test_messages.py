"""Slack blocks and limits, webhook signature, mail headers and transport."""

import base64
import email
import email.policy
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from forwarders import mail, slack, webhook
from tests.test_contract_forwarders import (
    ALERT,
    BODIES,
    DIGEST,
    EVENT,
    HOSTILE,
    NOW,
    ROLLUP,
    build_request,
    notification,
)
from trail.core.errors import InputError
from trail.core.model import Request, Response
from trail.notifications import smtp_transport
from trail.notifications.http_transport import HttpTransport

_SECRET = webhook.FORWARDER.secrets[0].example


def slack_blocks(kind: str, body: Any = None) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = json.loads(
        build_request(slack.FORWARDER, notification(kind, body)).body
    )["blocks"]
    return result


def plain_texts(slack_blocks: list[dict[str, Any]]) -> list[str]:
    return [
        part["text"]
        for block in slack_blocks
        for part in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        if part and part["type"] == "plain_text"
    ]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("open", "is still failing"),
        ("unknown", "was still failing when data ended"),
        ("quiet", "has had no recent failure"),
        ("completed", "has recovered"),
        # A message that an earlier version stored.
        ("", "has had no recent failure"),
    ],
)
def test_incident_message_claims_only_what_is_known(state: str, expected: str) -> None:
    incident = {**BODIES["incident"], "state": state, "open": state in ("open", "unknown")}
    assert f"on WH1 {expected} after 14 attempts." in "".join(
        plain_texts(slack_blocks("incident", incident))
    )


def test_slack_message_has_facts_reason_and_links() -> None:
    result = slack_blocks("alert")
    assert [block["type"] for block in result] == [
        "header",
        "section",
        "section",
        "context",
        "actions",
    ]
    assert plain_texts(result) == [
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


def test_a_message_names_detectors_by_their_titles() -> None:
    texts = json.dumps(slack_blocks("finding"))
    assert "Deletions" in texts
    assert "rule:x" not in texts


def test_a_notice_links_to_its_events() -> None:
    [button] = slack_blocks("notice", BODIES["notice"] | {"query": "kind=delete&q=a b"})[-1][
        "elements"
    ]
    assert button["url"].endswith("/explore?kind=delete&q=a%20b")


def test_slack_roll_up_lists_counts_by_target() -> None:
    message = plain_texts(slack_blocks("rollup"))
    assert "4,999 more on 37 targets in 10 min." in message
    assert "T0: ×100" in message
    assert "Other targets: 27" in message
    assert message[0] == "🔴 Warehouses (×4,999)"


@pytest.mark.parametrize("character", ["&", "<", "x", "🙂", ">"])
def test_slack_message_respects_block_kit_limits(character: str) -> None:
    long = {
        key: character * 5_000 if isinstance(value, str) else value for key, value in EVENT.items()
    }
    alert = {**ALERT, "rule": character * 500, "why": character * 5_000, "event": long}
    rollup = {**ROLLUP, "text": character * 5_000}
    rollup["targets"] = [{"label": character * 900, "count": 1}] * 60
    for item in (
        slack_blocks("event", long),
        slack_blocks("alert", alert),
        slack_blocks("rollup", rollup),
    ):
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
        for text in plain_texts(item):
            for start in [n for n, c in enumerate(text) if c == "&"]:
                assert text[start:].startswith(("&amp;", "&lt;", "&gt;"))


@pytest.mark.parametrize("kind", BODIES)
def test_slack_message_contains_no_markup_from_events(kind: str) -> None:
    body = {
        name: HOSTILE if isinstance(value, str) and name != "form" else value
        for name, value in BODIES[kind].items()
    }
    request = build_request(slack.FORWARDER, notification(kind, body))
    assert b"<" not in request.body
    assert b'mrkdwn": true' not in request.body
    assert b'"type": "mrkdwn"' not in request.body


def test_slack_lists_a_digest_with_a_link_on_each_line() -> None:
    blocks = [block for block in slack_blocks("digest") if block["type"] == "rich_text"]
    notices, changes = blocks
    assert notices["elements"][0]["elements"][0]["elements"][0] == {
        "type": "link",
        "text": "No data since Sat 21 Nov 11:00.",
        "url": "https://trail.example.com/admin?section=coverage",
    }
    heading, listed = changes["elements"]
    assert heading["elements"][0] == {"type": "text", "text": "Changes", "style": {"bold": True}}
    first, second = (item["elements"] for item in listed["elements"])
    assert first[0]["url"] == "https://trail.example.com/explore?from=2026-11-16&changes=yes"
    assert first[1]["text"] == "  1,821 (+6 %)"
    assert second[0]["text"] == "Prod: 14 failed attempts"
    many = {**DIGEST, "sections": [{"title": "x", "lines": [{"text": "y" * 9_000}] * 99}] * 99}
    result = slack_blocks("digest", many)
    assert len(result) <= 50
    assert json.dumps(result).count("yyy") < 99 * 9_000


class _Document(HTMLParser):
    """Collects the tags, the targets of links, and the text of an HTML document."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.hrefs: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.hrefs += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


def digest_mail(lines: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the plain text and the HTML of the mail of a digest with *lines*."""
    body = {**DIGEST, "title": f"Weekly {HOSTILE}", "sections": [{"title": "T", "lines": lines}]}
    sent = build_request(mail.FORWARDER, notification("digest", body)).body
    message = email.message_from_bytes(sent, policy=email.policy.default)
    plain, page = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain and page
    return plain.get_content().replace("\r", ""), page.get_content()


def test_mail_of_a_digest_is_plain_and_html_with_the_same_lines() -> None:
    plain, page = digest_mail(
        [
            {
                "text": "Changes",
                "number": 1821,
                "change": "+6 %",
                "path": "/explore?q=a&tz=Europe/Oslo",
            }
        ]
    )
    assert (
        "- Changes: 1,821 (+6 %)\n  https://trail.example.com/explore?q=a&tz=Europe/Oslo" in plain
    )
    document = _Document(page)
    assert "https://trail.example.com/explore?q=a&tz=Europe/Oslo" in document.hrefs
    assert "1,821 (+6 %)" in document.words


@pytest.mark.parametrize("path", ["/explore?q=" + HOSTILE, "//evil.example.com", HOSTILE, None])
def test_mail_of_a_digest_has_no_markup_or_links_from_events(path: str | None) -> None:
    _, page = digest_mail([{"text": HOSTILE, "note": "<img src=x onerror=1>", "path": path}])
    document = _Document(page)
    allowed = {"html", "head", "meta", "title", "body", "table", "tr", "td", "h1", "h2", "div", "a"}
    assert document.tags <= allowed
    assert all(href.startswith("https://trail.example.com/") for href in document.hrefs)
    assert "<!channel>" in document.words
    assert "<img src=x onerror=1>" in document.words


def test_slack_error_codes_map_to_verdicts() -> None:
    kinds = {
        command: slack.judge(Response(status, {}, command.encode())).kind
        for status, command in (
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


def test_webhook_signature_follows_standard_webhooks() -> None:
    """The test vector is from the Standard Webhooks reference libraries."""
    key = webhook.parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signature = webhook.sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    request = build_request(webhook.FORWARDER, notification("event"))
    message = dict(request.headers)
    assert message["webhook-id"] == "event_key-1"
    assert message["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"{message['webhook-id']}.{message['webhook-timestamp']}.".encode() + request.body
    expected = hmac.digest(base64.b64decode(_SECRET.removeprefix("whsec_")), signed, "sha256")
    assert message["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert json.loads(request.body)["type"] == "audit.event"


@pytest.mark.parametrize("secret", ["", "plain", "whsec_", "whsec_QUFB", "whsec_!!!", _SECRET[6:]])
def test_invalid_webhook_secret_is_rejected(secret: str) -> None:
    with pytest.raises(InputError) as error:
        webhook.parse_secret(secret)
    assert secret not in str(error.value) or not secret.strip("whsec_")


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
def test_invalid_mail_address_is_rejected(address: str) -> None:
    settings = {"host": "mail.example.com", "from": "trail@example.com", "to": address}
    with pytest.raises(InputError):
        mail.request(notification("event"), settings, {}, NOW)


def test_event_text_cannot_add_mail_headers() -> None:
    hostile = {**EVENT, "action": "x\r\nBcc: all@example.com\r\n\r\nbody", "target_name": "\n.\n"}
    request = build_request(mail.FORWARDER, notification("event", hostile))
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
    """Return the port and the received commands of a mail server without TLS."""
    commands: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 mail.example.com\r\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    commands.append(line.decode().strip())
                    connection.sendall(b"250 mail.example.com\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1]), commands
    listener.close()
    thread.join(2)


def test_mail_is_not_sent_to_a_server_without_tls(mail_server: tuple[int, list[str]]) -> None:
    port, commands = mail_server
    envelope = (("from", "a@example.com"), ("to", "b@example.com"), ("password", "a-secret"))
    request = Request(f"smtp://mail.example.com:{port}", envelope, b"Secret: x\r\n\r\n")
    response = smtp_transport.send(
        request, HttpTransport(loopback=True, timeout_s=2), resolve=lambda host, port: ["127.0.0.1"]
    )
    assert response.status == 0
    assert all(
        command.split()[0] in ("ehlo", "EHLO", "helo", "QUIT", "quit") for command in commands
    )
