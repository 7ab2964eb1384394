"""The contract of forwarders, checked for every file in forwarders/."""

import contextlib
import datetime as dt
import email
import email.policy
import gzip
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from trail.core.errors import InputError
from trail.core.model import FormField, Forwarder, Notification, Request, Response
from trail.core.registry import discover
from trail.core.sections import Forward
from trail.notifications import destinations, retry_policy
from trail.notifications.destination import Destination
from trail.storage.duckdb import Store

FORWARDERS: dict[str, Forwarder] = discover("forwarders", "FORWARDER")
NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
AT = dt.datetime(2026, 11, 24, 11, 59)
HOSTILE = (
    "<!channel> <@U1> *b* _i_ `c` ~s~ <https://evil.example.com|x> &amp; {{x}} ${x} %0a\r\n"
    "Bcc: all@example.com\r\n\r\n\u202egnp\x00\x1b[31m @everyone [x](https://evil.example.com) 🙂"
)

EVENT: dict[str, Any] = {
    "event_id": "api-1",
    "occurred_at": "2026-11-24T11:58:00.250000Z",
    "action": "Warehouses Disabled",
    "action_raw": "Warehouse Disabled",
    "category": "Warehouses",
    "kind": "disable",
    "outcome": "success",
    "risk": 7,
    "actor_id": "users/abc",
    "actor_type": "user",
    "actor_email": "mara@example.com",
    "actor_name": "Mara",
    "target_type": "warehouse",
    "target_id": "WH1",
    "target_name": "Prod",
    "workspace_id": "ws1",
    "verified": True,
    "raw": "{}",
    "echo": False,
}
ALERT = {
    "rule": "Warehouses",
    "rule_id": 1,
    "severity": "critical",
    "form": "first",
    "count": 1,
    "event": EVENT,
    "targets": [{"label": "Prod", "count": 1}],
}
FINDING = {
    "finding_id": "f1",
    "day": "2026-11-24",
    "actor_id": "users/abc",
    "score": 61,
    "reasons": [
        {
            "detector": "rule:x",
            "title": "Deletions",
            "points": 40,
            "text": "41 deleted, usual are 2",
        }
    ],
    "why": "Rule “Unusual”",
    "severity": "warning",
}
INCIDENT = {
    "incident_id": "i1",
    "action": "Warehouse Run Failed",
    "target_id": "WH1",
    "class": "persistent",
    "open": True,
    "first_at": "2026-11-24T09:00:00Z",
    "attempts": 14,
    "severity": "critical",
}
ROLLUP = {
    **ALERT,
    "form": "rollup",
    "count": 4_999,
    "event": None,
    "text": "4,999 more on 37 targets in 10 min.",
    "targets": [{"label": f"T{n}", "count": 100 - n} for n in range(10)],
    "more_targets": 27,
    "query": "outcome=failure",
}
DIGEST = {
    "title": "Weekly digest: Mon 16 – Sun 22 Nov 2026",
    "path": "/digest?week=2026-11-16&tz=UTC",
    "tz": "UTC",
    "notices": [{"text": "No data since Sat 21 Nov 11:00.", "path": "/admin?section=coverage"}],
    "sections": [
        {
            "key": "activity",
            "title": "Changes",
            "note": "Compared with the same weekdays a week earlier.",
            "lines": [
                {
                    "text": "Changes",
                    "path": "/explore?from=2026-11-16&changes=yes",
                    "key": "changes",
                    "number": 1821,
                    "change": "+6 %",
                },
                {"text": "Prod: 14 failed attempts", "path": "/failures?incident=i1", "note": "x"},
            ],
        }
    ],
}
BODIES = {
    "event": EVENT,
    "alert": ALERT,
    "rollup": ROLLUP,
    "finding": FINDING,
    "incident": INCIDENT,
    "seal": {"number": 12, "day": "2026-11-23", "seal": "5e" * 32, "prev": "0a" * 32, "events": 40},
    "notice": {"title": "hook was switched off", "text": "It is gone.", "severity": "warning"},
    "digest": DIGEST,
    "test": {"title": "A test", "text": "It works."},
}


def notification(
    kind: str, body: Any = None, home: str = "https://trail.example.com"
) -> Notification:
    result = BODIES[kind] if body is None else body
    return Notification({"rollup": "alert"}.get(kind, kind), "key-1", AT, result, home)


def examples(fields: tuple[FormField, ...]) -> dict[str, str]:
    return {field.name: field.example for field in fields if field.example}


def build_request(forwarder: Forwarder, one: Notification) -> Request:
    """Return the request for *one* under the forwarder's own example settings."""
    return forwarder.request(one, examples(forwarder.settings), examples(forwarder.secrets), NOW)


def readable(request: Request) -> str:
    """Return the body as the recipient reads it: unpacked, an e-mail decoded."""
    if request.url.startswith("smtp"):
        mail = email.message_from_bytes(request.body, policy=email.policy.default)
        body = mail.get_body()
        assert body is not None
        return f"{mail['subject']}\n{body.get_content()}"
    packed = request.body.startswith(b"\x1f\x8b")
    text = (gzip.decompress(request.body) if packed else request.body).decode()
    with contextlib.suppress(ValueError):
        return json.dumps(json.loads(text), ensure_ascii=False)
    return text


def test_forwarder_name_equals_its_file_name() -> None:
    assert all(forwarder.name == name for name, forwarder in FORWARDERS.items())


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
def test_required_fields_have_examples(forwarder: Forwarder) -> None:
    for field in (*forwarder.settings, *forwarder.secrets):
        assert field.title
        assert field.example or not field.required, field.name


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
def test_every_notification_becomes_a_request(forwarder: Forwarder, kind: str) -> None:
    request = build_request(forwarder, notification(kind))
    assert "://" in request.url
    assert build_request(forwarder, notification(kind)) == request, (
        "equal input gives equal requests"
    )
    expected = {
        "event": "Prod",
        "alert": "Prod",
        "rollup": "4,999",
        "incident": "WH1",
        "digest": "1,821",
    }
    expected["seal"] = "12"
    words = expected.get(kind, "")
    assert words.replace(",", "") in readable(request).replace(",", "")


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
def test_secrets_stay_out_of_the_body(forwarder: Forwarder) -> None:
    secrets = examples(forwarder.secrets)
    request = build_request(forwarder, notification("event"))
    assert not any(secret in readable(request) for secret in secrets.values())


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
@pytest.mark.parametrize("kind", BODIES)
def test_hostile_text_stays_text(forwarder: Forwarder, kind: str) -> None:
    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoiled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [spoiled(item) for item in value]
        return HOSTILE if isinstance(value, str) else value

    body = {**spoiled(BODIES[kind]), "form": BODIES[kind].get("form"), "raw": "{}"}
    request = build_request(forwarder, notification(kind, body))
    for name, value in request.headers:
        assert "\n" not in value + name
        assert "\r" not in value + name
    try:
        json.loads(request.body)
    except ValueError:
        head = request.body.partition(b"\r\n\r\n")[0]
        assert b"\nBcc:" not in head
        assert b"\n\n" not in head


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**9) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
_BODIES = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(max_size=400) | st.none() for name in EVENT if name not in ("risk", "raw")
    }
    | {"raw": st.text(max_size=50) | _JSON.map(json.dumps), "risk": st.integers(0, 10)},
)


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
@given(body=_BODIES)
@settings(max_examples=60)
def test_any_event_can_be_sent(forwarder: Forwarder, body: dict[str, Any]) -> None:
    one = notification("event", body)
    forwarder.accepts(one, {"source": "LAn9"})
    assert build_request(forwarder, one).url


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
def test_missing_required_secret_is_an_error(forwarder: Forwarder) -> None:
    if any(field.required for field in forwarder.secrets):
        with pytest.raises(InputError):
            forwarder.request(notification("event"), examples(forwarder.settings), {}, NOW)


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
def test_every_http_status_has_an_outcome(forwarder: Forwarder) -> None:
    for status in (0, *range(100, 600)):
        verdict = (forwarder.judge or retry_policy.judge)(
            Response(status, {}, b"", "Nothing came.")
        )
        assert verdict.kind in ("ok", "retry", "gone", "unauthorised", "rejected", "refused")
        assert (verdict.kind == "ok") == (200 <= status < 300)
        assert verdict.text


def test_what_is_for_the_demo_alone_is_refused_elsewhere(store: Store) -> None:
    (name,) = (name for name, forwarder in FORWARDERS.items() if forwarder.demo_only)
    made = Destination(0, name, "inbox")
    with pytest.raises(InputError, match="demo workspace"):
        store.write(lambda cursor: destinations.add(cursor, made, Forward(), "maya"))
    number = store.write(
        lambda cursor: destinations.add(cursor, made, Forward(), "maya", demo=True)
    )
    assert destinations.get(store, number).kind == name


# Another server: as host, as URL, with a port, and hidden behind the right one.
ELSEWHERE = (
    "elsewhere.example.net",
    "https://elsewhere.example.net/x",
    "https://{host}.elsewhere.example.net/",
    "https://{host}:8443/",
    "https://{host}@elsewhere.example.net/",
    "{host}.elsewhere.example.net",
    "{host}@elsewhere.example.net",
    "elsewhere.example.net/{host}",
    "elsewhere.example.net#{host}",
    "elsewhere.example.net\\@{host}",
    "https://elsewhere.example.net?{host}",
    "https://xn--lsewhere-x8a.example.net/",
    "2130706433",
)


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
def test_secrets_are_sent_only_to_the_host_they_belong_to(
    forwarder: Forwarder, store: Store
) -> None:
    """No field of the form, and no other kind of destination, carries a secret elsewhere."""
    names = {field.name: f"{forwarder.name}_{field.name}" for field in forwarder.secrets}
    if not names:
        return
    values = {
        names[f.name]: SecretStr(f.example or f"value of {f.name}") for f in forwarder.secrets
    }
    form = examples(forwarder.settings)
    host = urlsplit(build_request(forwarder, notification("test")).url).hostname
    assert host
    forward = Forward(
        secrets=values,
        hosts={
            name: (host,) for name, value in values.items() if "://" not in value.get_secret_value()
        },
    )
    ours = Destination(0, forwarder.name, "ours", form, names)
    number = store.write(lambda cursor: destinations.add(cursor, ours, forward, "maya"))
    ours = destinations.get(store, number)
    assert destinations.build_request(store, ours, notification("test"), forward, NOW)
    attempts = [
        replace(ours, settings={**form, field.name: text.format(host=host)})
        for field in forwarder.settings
        if not field.choices
        for text in ELSEWHERE
    ]
    # The first secret in every secret field of every other kind, with that kind's own server.
    attempts += [
        Destination(0, kind, f"as {kind}", examples(other.settings), dict.fromkeys(fields, name))
        for kind, other in FORWARDERS.items()
        if kind != forwarder.name and (fields := [field.name for field in other.secrets])
        for name in names.values()
    ]
    undeclared = Forward(secrets=values)
    for attempt in attempts:
        with contextlib.suppress(InputError):
            made = destinations.build_request(store, attempt, notification("test"), undeclared, NOW)
            kind = attempt.forwarder
            assert (
                urlsplit(made.url).hostname in kind.hosts
                or all(field.signs for field in kind.secrets)
                or all("://" in value.get_secret_value() for value in values.values())
            ), attempt
    refused = 0
    for attempt in attempts:
        try:
            made = destinations.build_request(store, attempt, notification("test"), forward, NOW)
        except InputError as error:
            refused += 1
            assert not any(value.get_secret_value() in str(error) for value in values.values())
            continue
        endpoint = urlsplit(made.url)
        assert endpoint.hostname in (host, *attempt.forwarder.hosts), attempt
        assert all(field.signs for field in attempt.forwarder.secrets) or ":8443" not in made.url
    assert refused


@pytest.mark.parametrize("forwarder", FORWARDERS.values(), ids=FORWARDERS)
def test_signing_secret_is_not_in_the_request(forwarder: Forwarder) -> None:
    request = build_request(forwarder, notification("event"))
    sent = f"{request.url} {request.headers} {request.body!r}"
    for field in forwarder.secrets:
        if field.signs:
            assert field.example not in sent
            assert field.example.removeprefix("whsec_") not in sent
