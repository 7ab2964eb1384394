"""A secret is sent only to the host that it belongs to."""

import datetime as dt
from dataclasses import replace

import pytest
from pydantic import SecretStr

from tests.receiver import Receiver
from tests.trail.notifications.conftest import KEY, Make, forward
from trail.core import settings as core_settings
from trail.core.errors import InputError
from trail.core.model import Notification
from trail.core.sections import Forward
from trail.core.settings import Settings
from trail.notifications import destinations, test_message
from trail.notifications.destination import Destination
from trail.storage import cursors
from trail.storage.duckdb import Store

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
NOTE = Notification("test", "k", NOW, {"title": "t", "text": "x"})
VALUES = {
    "writer": "write-key-0001",
    "hook": KEY,
    "slack": "https://hooks.slack.com/services/T1/B1/x",
    "telegram": "tgram://123:token/456",
    "mailer": "mail-password",
}
SECRETS = {name: SecretStr(value) for name, value in VALUES.items()}
MAIL = {"host": "mail.example.com", "from": "trail@example.com", "to": "mara@example.com"}


def source(url: str, secret: str = "writer", name: str = "source") -> Destination:
    """Return a Segment source at *url*."""
    return Destination(0, "segment_source", name, {"url": url}, {"write_key": secret})


def add(store: Store, destination: Destination, using: Forward) -> Destination:
    """Store *destination* and return it."""
    number = store.write(lambda cursor: destinations.add(cursor, destination, using, "maya"))
    return destinations.get(store, number)


def url_of(store: Store, destination: Destination, using: Forward) -> str:
    """Return where a message of *destination* would be sent."""
    return destinations.build_request(store, destination, NOTE, using, NOW).url


def test_secret_does_not_reach_a_second_server(
    store: Store, make: Make, settings: Settings
) -> None:
    using = forward(secrets=SECRETS)
    outbox = make(using=settings.model_copy(update={"forward": using}))
    with Receiver() as ours, Receiver() as theirs:
        first = add(store, source(ours.url), using)
        assert test_message.send_test(outbox, first).kind == "ok"
        place = f"127.0.0.1:{ours.port}"
        with pytest.raises(InputError) as refused:
            add(store, source(theirs.url, name="mine"), using)
        assert str(refused.value) == (
            f"The secret 'writer' belongs to {place} and is not sent to 127.0.0.1:{theirs.port}. "
            "To change this, set forward.hosts.writer in trail.toml or "
            "TRAIL_FORWARD__HOSTS__writer to the hosts that may receive it, then restart."
        )
        moved = replace(first, settings={"url": theirs.url})
        with pytest.raises(InputError, match="belongs to"):
            store.write(lambda cursor: destinations.update(cursor, moved, using))
        with pytest.raises(InputError, match="belongs to"):
            test_message.send_test(outbox, moved)
        # Even if the database is edited, and after the first destination is deleted.
        store.write(lambda cursor: destinations.remove(cursor, first.destination_id))
        with pytest.raises(InputError, match="belongs to"):
            test_message.send_test(outbox, moved)
        with pytest.raises(InputError, match="belongs to"):
            add(store, source(theirs.url, name="mine"), using)
        declared = forward(secrets=SECRETS, hosts={"writer": [f"127.0.0.1:{theirs.port}"]})
        again = add(store, source(theirs.url, name="mine"), declared)
        outbox = make(using=settings.model_copy(update={"forward": declared}))
        assert test_message.send_test(outbox, again).kind == "ok"
        assert (len(ours.taken), len(theirs.taken)) == (1, 1)


@pytest.mark.parametrize(
    ("destination", "owner"),
    [
        (source("https://elsewhere.example.net", "slack"), "hooks.slack.com"),
        (source("https://hooks.slack.com:8443", "slack"), "hooks.slack.com"),
        (source("https://elsewhere.example.net", "telegram"), "the service in its own URL"),
        (Destination(0, "mail", "m", {**MAIL, "user": "u"}, {"password": "slack"}), "hooks.slack"),
        (Destination(0, "webhook", "w", {"url": "https://e.example.net"}, {"key": "hook"}), "a.ex"),
    ],
)
def test_each_kind_of_secret_has_an_owner(
    store: Store, destination: Destination, owner: str
) -> None:
    using = Forward(secrets=SECRETS, hosts={"hook": ("a.example.com", "b.example.com:444")})
    with pytest.raises(InputError) as refused:
        add(store, destination, using)
    assert owner in refused.value.message
    assert "token" not in str(refused.value)


def test_addresses_inside_secrets_need_no_setting(store: Store) -> None:
    using = Forward(secrets=SECRETS)
    slack = add(store, Destination(0, "slack", "s", {}, {"url": "slack"}), using)
    telegram = add(store, Destination(0, "apprise", "t", {}, {"url": "telegram"}), using)
    assert url_of(store, slack, using) == VALUES["slack"]
    assert url_of(store, telegram, using) == VALUES["telegram"]
    limited = Forward(secrets=SECRETS, hosts={"slack": ("hooks.example.com",)})
    with pytest.raises(InputError, match=r"belongs to hooks\.example\.com"):
        url_of(store, slack, limited)


@pytest.mark.parametrize(
    ("entry", "url", "right"),
    [
        ("api.example.com", "https://API.example.com/v1", True),
        ("API.Example.com.", "https://api.example.com", True),
        ("https://api.example.com/path", "https://api.example.com:443/x", True),
        ("api.example.com:443", "https://api.example.com", True),
        ("api.example.com:8443", "https://api.example.com:8443", True),
        ("bücher.example", "https://xn--bcher-kva.example", True),
        ("[2606:4700::1111]", "https://[2606:4700:0:0::1111]/", True),
        ("api.example.com", "https://api.example.com:8443", False),
        ("api.example.com:8443", "https://api.example.com", False),
        ("api.example.com", "https://eapi.example.com", False),
        ("api.example.com", "https://sub.api.example.com", False),
        ("example.com", "https://api.example.com", False),
        ("api.example.com", "https://api.example.com.", False),
        ("api.example.com", "https://api.example.com@elsewhere.example.net", False),
        ("api.example.com", "https://elsewhere.example.net\\@api.example.com", False),
        ("api.example.com", "https://аpi.example.com", False),
        ("bücher.example", "https://bücher.example", False),
        ("*.example.com", "https://api.example.com", False),
        ("", "https://api.example.com", False),
        ("user@api.example.com", "https://api.example.com", False),
        ("api.example.com:99999", "https://api.example.com", False),
    ],
)
def test_declared_hosts_match_exactly(store: Store, entry: str, url: str, right: bool) -> None:
    using = Forward(secrets=SECRETS, hosts={"writer": (entry,)})
    if right:
        assert url_of(store, source(url), using)
    else:
        with pytest.raises(InputError):
            url_of(store, source(url), using)


def test_destinations_of_an_earlier_version_keep_their_hosts(store: Store) -> None:
    using = Forward(secrets=SECRETS)
    declared = Forward(secrets=SECRETS, hosts={"writer": ("one.example.com",)})
    for url in ("https://one.example.com", "https://two.example.com"):
        destination = source("https://one.example.com", name=url)
        add(store, destination, declared)
        store.write(lambda cursor, url=url: set_url(cursor, url))
    store.write(lambda cursor: cursors.put(cursor, "secret hosts", ""))
    with pytest.raises(InputError, match=r"belongs to one\.example\.com and two\.example\.com"):
        add(store, source("https://elsewhere.example.net", name="mine"), using)
    stored = destinations.list_all(store)
    assert len({url_of(store, item, using) for item in stored}) == 2
    with pytest.raises(InputError, match=r"'mailer' belongs to no host yet"):
        add(store, mail(), using)
    # The usual port of another scheme is the same host.
    using = Forward(secrets=SECRETS, hosts={"mailer": ("mail.example.com",)})
    assert url_of(store, add(store, mail(), using), using) == "smtp://mail.example.com:587"
    assert url_of(store, mail(tls="implicit"), using) == "smtps://mail.example.com:465"
    for changes in ({"host": "m.example.net"}, {"port": "2525"}):
        with pytest.raises(InputError, match=r"belongs to mail\.example\.com"):
            url_of(store, mail(**changes), using)


def mail(**changes: str) -> Destination:
    """Return an e-mail destination."""
    form = {**MAIL, "user": "u", **changes}
    return Destination(0, "mail", "m", form, {"password": "mailer"})


def test_a_host_that_verifies_signatures_is_not_sent_the_key(store: Store) -> None:
    using = Forward(secrets=SECRETS)
    hook = Destination(0, "webhook", "w", {"url": "https://e.example.net/x"}, {"key": "hook"})
    assert url_of(store, add(store, hook, using), using) == "https://e.example.net/x"
    with pytest.raises(InputError, match="'hook' belongs to no host yet"):
        add(store, source("https://e.example.net", "hook"), using)
    with pytest.raises(InputError, match=r"'hook' belongs to e\.example\.net"):
        url_of(store, replace(hook, settings={"url": "https://f.example.net/x"}), using)
    for region in ("us", "eu"):
        segment = Destination(
            0, "segment_source", region, {"region": region}, {"write_key": "writer"}
        )
        assert url_of(store, add(store, segment, using), using)


def set_url(cursor: destinations.Cursor, url: str) -> None:
    """Edit the newest destination, as an earlier version would have stored it."""
    cursor.execute(
        "update destinations set settings = $settings "
        "where destination_id = (select max(destination_id) from destinations)",
        {"settings": f'{{"url": "{url}"}}'},
    )


def test_hosts_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAIL_FORWARD__HOSTS__CRM", "a.example.com, b.example.com:444")
    monkeypatch.setenv("TRAIL_FORWARD__HOSTS__OTHER", '["c.example.com"]')
    expected = {"crm": ("a.example.com", "b.example.com:444"), "other": ("c.example.com",)}
    assert core_settings.load().forward.hosts == expected
