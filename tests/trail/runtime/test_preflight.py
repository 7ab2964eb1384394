"""The real command refuses each weak set-up, says which, and what mends it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
import yaml

from trail.accounts.users import Users
from trail.core.settings import Settings
from trail.runtime import preflight

ROOT = Path(__file__).parents[3]
GOOD = "correct-horse-9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Users(tmp_path / "users.yaml").add("maya", "Maya", "", "owner", GOOD)
    return tmp_path


def serve(folder: Path, *arguments: str, **more: str) -> tuple[int, list[str]]:
    """Run the command; return its exit code and the lines that it wrote."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRAIL_")}
    done = subprocess.run(
        [sys.executable, "-m", "trail", "serve", *arguments],
        cwd=ROOT,
        env=kept
        | {
            "TRAIL_CONFIG": str(folder / "trail.toml"),
            "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
            "TRAIL_AUTH__USERS_PATH": str(folder / "users.yaml"),
            **more,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


def by_hand(folder: Path, username: str, password: str, role: str = "owner") -> None:
    """Write a user as a person with an editor would."""
    document = {"credentials": {"usernames": {username: {"password": password, "roles": [role]}}}}
    (folder / "users.yaml").write_text(yaml.safe_dump(document))


def hashed(password: str, cost: int = 10) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def open_users(folder: Path) -> None:
    (folder / "users.yaml").chmod(0o644)


def open_key(folder: Path) -> None:
    (folder / "trail.seals.key").write_text("a key")
    (folder / "trail.seals.key").chmod(0o640)


def open_tokens(folder: Path) -> None:
    (folder / "tokens.json").write_text("{}")
    (folder / "tokens.json").chmod(0o604)


def open_secrets(folder: Path) -> None:
    (folder / "secrets.toml").write_text("")
    (folder / "secrets.toml").chmod(0o644)


CASES: list[tuple[Callable[[Path], None], str]] = [
    (open_users, "users.yaml is open to other users of this machine. Run: chmod 600 users.yaml"),
    (open_key, "trail.seals.key is open to other users of this machine. Run: chmod 600"),
    (open_tokens, "tokens.json is open to other users of this machine. Run: chmod 600"),
    (open_secrets, "secrets.toml can be read by other users of this machine. Run: chmod 600"),
    (lambda folder: by_hand(folder, "jo", GOOD), "The password of jo is not a bcrypt hash. Run:"),
    (
        lambda folder: by_hand(folder, "jo", hashed(GOOD, 9)),
        "The password of jo has a hash with too low a cost. Run: python -m trail users passwd",
    ),
    (
        lambda folder: by_hand(folder, "jo", hashed("changeme")),
        "The password of jo is a well-known password. Run: python -m trail users passwd",
    ),
    (
        lambda folder: by_hand(folder, "jo", hashed("jo")),
        "The password of jo is a well-known password. Run: python -m trail users passwd",
    ),
    (
        lambda folder: by_hand(folder, "jo", hashed(GOOD), "manager"),
        "No owner can sign in. Run: python -m trail users add NAME --role owner",
    ),
]


@pytest.mark.parametrize(("weaken", "problem"), CASES)
def test_it_does_not_start_and_says_why(
    folder: Path, weaken: Callable[[Path], None], problem: str
) -> None:
    weaken(folder)
    code, lines = serve(folder)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith(f"trail: {problem}")
    assert not (folder / "trail.duckdb").exists()


def test_an_open_address_needs_https_and_a_name(folder: Path) -> None:
    code, lines = serve(folder, "--host", "0.0.0.0")
    assert code == 2
    assert [line.split(". ")[0].rsplit(", ")[-1] for line in lines] == [
        "where passwords and cookies would travel in the clear",
        "and no host name is allowed",
    ]
    code, lines = serve(folder, "--host", "0.0.0.0", TRAIL_SERVER__HTTPS="true")
    assert (code, len(lines)) == (2, 1)


def test_a_provider_that_is_half_set_up(folder: Path) -> None:
    metadata = "https://id.example.com/.well-known/openid-configuration"
    code, lines = serve(folder, TRAIL_AUTH__OIDC_METADATA_URL=metadata, TRAIL_AUTH__OIDC_ROLES="{}")
    assert code == 2
    assert lines == [
        "trail: The settings of the OpenID provider are incomplete. Set auth.oidc_client_id and "
        "auth.oidc_client_secret and auth.oidc_roles, or remove all of them."
    ]


def test_everything_that_is_wrong_is_said_at_once(folder: Path) -> None:
    by_hand(folder, "jo", GOOD, "manager")
    (folder / "users.yaml").chmod(0o644)
    code, lines = serve(folder, "--host", "192.0.2.1")
    assert code == 2
    assert len(lines) == 4


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.7"])
def test_a_good_set_up_passes(folder: Path, host: str) -> None:
    known = Settings(
        auth={"users_path": folder / "users.yaml"}, store={"path": folder / "trail.duckdb"}
    )
    assert preflight.problems(known, host) == []
    (folder / "users.yaml").unlink()  # a first start
    assert preflight.problems(known, host) == []


def test_an_owner_may_come_from_the_provider(folder: Path) -> None:
    Users(folder / "users.yaml").set_role("maya", "manager")
    auth = {
        "users_path": folder / "users.yaml",
        "passwords": True,
        "oidc_metadata_url": "https://id.example.com/.well-known/openid-configuration",
        "oidc_client_id": "trail",
        "oidc_client_secret": "s3cret-of-the-tests",
    }
    for role, count in (("owner", 0), ("reviewer", 1)):
        known = Settings(
            auth=auth | {"oidc_roles": {"x": role}}, store={"path": folder / "trail.duckdb"}
        )
        assert len(preflight.problems(known, "127.0.0.1")) == count


def test_what_was_set_here_is_not_tried_again(folder: Path) -> None:
    users = Users(folder / "users.yaml")
    assert users.hashes(unchecked=True) == {}
    text = (folder / "users.yaml").read_text()
    before = users.hashes()["maya"]
    (folder / "users.yaml").write_text(text.replace(before, hashed("abc")))  # the mark stays behind
    assert list(users.hashes(unchecked=True)) == ["maya"]
