"""Own activity is recognized by the actors linked to an account, never by an e-mail of an event."""

import datetime as dt
from pathlib import Path

import pytest
import yaml

from tests.conftest import Load
from tests.segment_records import ndjson
from tests.trail.cli.test_commands import InProcessTerminal
from trail.accounts import oidc
from trail.accounts.sessions import Sessions, hash_of, session_user
from trail.accounts.users import Users
from trail.core.errors import InputError
from trail.core.sections import Auth
from trail.events import people
from trail.findings import reviews
from trail.findings.model import Finding, Reason
from trail.storage.duckdb import Store

HASH = "$2b$12$" + "a" * 53
AT = "2026-11-18T08:00:00Z"


def record(actor: str, email: str) -> dict[str, object]:
    return {"id": f"e-{actor}", "timestamp": AT, "type": "Warehouse Deleted", "actor": actor,
            "actorEmail": email, "resourceId": "w1", "resourceType": "warehouse",
            "workspaceId": "w"}  # fmt: skip


def finding(actor: str) -> Finding:
    reason = Reason("unfamiliar_action", 9, "first time", {}, ("Warehouses Deleted",))
    return Finding(f"f-{actor}", dt.date(2026, 11, 18), actor, "user", 9, (reason,), "open")


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """Return a users file of an earlier version: `rita` has an e-mail and no link."""
    entry = {"email": "rita@example.com", "password": HASH, "roles": ["reviewer"]}
    path = tmp_path / "users.yaml"
    path.write_text(yaml.safe_dump({"credentials": {"usernames": {"rita": entry}}}))
    return Users(path)


@pytest.mark.parametrize("link", ["users/rita1", "rita1"])
def test_the_link_decides_and_not_the_email(
    store: Store, load: Load, users: Users, link: str
) -> None:
    load(ndjson([record("users/someone", "rita@example.com"), record("users/rita1", "x@y.com")]))

    def decide(actor: str) -> None:
        rita = users.get("rita")
        assert rita
        own_ids = people.own_actor_ids(store, rita.actors)
        reviews.decide(store, [finding(actor)], "done", "", "rita", own_ids)

    for actor in ("users/someone", "users/rita1"):  # without a link, nothing is recognized
        decide(actor)
    users.set_actors("rita", [link, "tokens/t9"])
    decide("users/someone")
    for actor in ("users/rita1", "tokens/t9"):
        with pytest.raises(InputError, match="your own activity"):
            decide(actor)
    users.set_actors("rita", [])
    decide("users/rita1")


def test_the_users_file_keeps_links_and_ignores_invalid_ones(users: Users, tmp_path: Path) -> None:
    users.set_actors("RITA", [" users/a1 ", "users/a1", "users/b2"])
    fresh = Users(tmp_path / "users.yaml").get("rita")
    assert fresh
    assert fresh.actors == ("users/a1", "users/b2")
    for invalid in (["a b"], [""], ["x" * 201], ["ü"], [f"u{n}" for n in range(21)]):
        with pytest.raises(InputError, match="Invalid actor ID"):
            users.set_actors("rita", invalid)
    document = yaml.safe_load((tmp_path / "users.yaml").read_text())
    document["credentials"]["usernames"]["rita"]["actors"] = ["users/a1", 7, "a b", None]
    (tmp_path / "users.yaml").write_text(yaml.safe_dump(document))
    by_hand = Users(tmp_path / "users.yaml").get("rita")
    assert by_hand
    assert by_hand.actors == ("users/a1",)


@pytest.mark.parametrize(
    ("claim", "actors"),
    [("users/a1", ["users/a1"]), (["users/a1", "u2"], ["users/a1", "u2"]), (None, []),
     ({"id": "users/a1"}, []), (["a b", 7, ""], []), ("rita@example.com\n", [])],
)  # fmt: skip
def test_a_provider_links_by_claim_and_the_session_keeps_it(
    claim: object, actors: list[str], tmp_path: Path
) -> None:
    auth = Auth(
        oidc_metadata_url="https://id.example.com/c",
        oidc_client_id="trail",
        oidc_roles={"audit": "reviewer"},
        oidc_actor_claim="segment",
    )
    claims = {"aud": "trail", "iat": 1e9, "nonce": "n", "sub": "00u1", "roles": "audit"}
    user, proof = oidc.verify_claims({**claims, "segment": claim}, auth, 1e9)
    assert list(user.actors) == actors
    assert Auth().oidc_actor_claim == "segment_user_id"
    path, users = tmp_path / "sessions.json", Users(tmp_path / "users.yaml")
    first = Sessions(12, 30, path=path, provider="p")
    sid = first.finish(first.issue_provider_code(user, "b", proof), "b")
    assert sid
    found = session_user(Sessions(12, 30, path=path, provider="p"), users, hash_of(sid))
    assert found == user


def test_the_command_links_and_lists(tmp_path: Path) -> None:
    terminal = InProcessTerminal(tmp_path)
    terminal.run("users", "add", "rita", "--role", "reviewer", stdin_text="correct-horse-9\n")
    terminal.run("users", "link", "rita", "users/a1", "tokens/t1")
    [row] = terminal.lines("users", "list")
    assert (row["username"], row["actors"]) == ("rita", ["users/a1", "tokens/t1"])
    assert "users/a1, tokens/t1" in terminal.run("users", "list")[0]
    terminal.run("users", "link", "rita")
    assert terminal.lines("users", "list")[0]["actors"] == []
    entries = [path.read_text() for path in sorted(tmp_path.glob("data/*.access/*.json"))]
    linked = [text for text in entries if '"linked"' in text]
    assert ["users/a1, tokens/t1" in text for text in linked] == [True, False]
