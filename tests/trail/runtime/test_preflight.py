"""The server does not start with an unsafe setup, and reports each problem with its remedy."""

import os
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
import yaml

from tests import in_process
from trail.accounts.users import Users
from trail.core.settings import Settings
from trail.runtime import preflight

GOOD = "correct-horse-9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Users(tmp_path / "users.yaml").add("maya", "Maya", "", "owner", GOOD)
    return tmp_path


def serve(folder: Path, *arguments: str, **variables: str) -> tuple[object, list[str]]:
    """Run the command; return its exit code and the lines that it wrote."""
    code, _, remarks = run(folder, "serve", *arguments, **variables)
    return code, remarks.splitlines()


def run(folder: Path, *arguments: str, **variables: str) -> tuple[object, str, str]:
    """Run a command on the files in *folder*; return its exit code, output and messages."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRAIL_")}
    environment = inherited | {
        "TRAIL_CONFIG": str(folder / "trail.toml"),
        "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
        "TRAIL_AUTH__USERS_PATH": str(folder / "users.yaml"),
        **variables,
    }
    return in_process.run(arguments, environment, folder)


def write_users(folder: Path, username: str, password: str, role: str = "owner") -> None:
    """Write a users file without the product."""
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


def open_secrets_key(folder: Path) -> None:
    (folder / "trail.secrets.key").write_text("a key")
    (folder / "trail.secrets.key").chmod(0o640)


CASES: list[tuple[Callable[[Path], None], str]] = [
    (open_users, "Other users of this machine can access users.yaml. Run: chmod 600 users.yaml"),
    (open_key, "Other users of this machine can access trail.seals.key. Run: chmod 600"),
    (
        open_secrets_key,
        "Other users of this machine can access trail.secrets.key. Run: chmod 600",
    ),
    (open_tokens, "Other users of this machine can access tokens.json. Run: chmod 600"),
    (open_secrets, "secrets.toml can be read by other users of this machine. Run: chmod 600"),
    (
        lambda folder: write_users(folder, "jo", GOOD),
        "The password of jo is not a bcrypt hash. Run:",
    ),
    (
        lambda folder: write_users(folder, "jo", hashed(GOOD, 9)),
        "The password hash of jo has a bcrypt cost below 10. Run: python -m trail users passwd",
    ),
    (
        lambda folder: write_users(folder, "jo", hashed("changeme")),
        "The password of jo is a well-known password. Run: python -m trail users passwd",
    ),
    (
        lambda folder: write_users(folder, "jo", hashed("jo")),
        "The password of jo is a well-known password. Run: python -m trail users passwd",
    ),
    (
        lambda folder: write_users(folder, "jo", hashed(GOOD), "manager"),
        "No owner can sign in. Run: python -m trail users add NAME --role owner",
    ),
]


@pytest.mark.parametrize(("weaken", "problem"), CASES)
def test_each_unsafe_setup_stops_the_start_and_is_reported(
    folder: Path, weaken: Callable[[Path], None], problem: str
) -> None:
    weaken(folder)
    code, lines = serve(folder)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith(f"trail: {problem}")
    code, report, messages = run(folder, "doctor")
    assert code == 1
    assert lines[0].removeprefix("trail: ") in report + messages
    assert not (folder / "trail.duckdb").exists()


def test_a_public_address_needs_https_and_allowed_hosts(folder: Path) -> None:
    code, lines = serve(folder, "--host", "0.0.0.0")
    assert code == 2
    assert [line.split(". ")[0].rsplit(", ")[-1] for line in lines] == [
        "and passwords and cookies are sent unencrypted",
        "and server.allowed_hosts is empty",
    ]
    code, lines = serve(folder, "--host", "0.0.0.0", TRAIL_SERVER__HTTPS="true")
    assert (code, len(lines)) == (2, 1)


def test_an_incomplete_provider_setup_is_reported(folder: Path) -> None:
    metadata = "https://id.example.com/.well-known/openid-configuration"
    code, lines = serve(folder, TRAIL_AUTH__OIDC_METADATA_URL=metadata, TRAIL_AUTH__OIDC_ROLES="{}")
    assert code == 2
    assert lines == [
        "trail: The settings of the OpenID provider are incomplete. Set auth.oidc_client_id and "
        "auth.oidc_client_secret and auth.oidc_roles, or remove all of them."
    ]


def test_a_path_below_the_host_is_refused(folder: Path) -> None:
    code, lines = serve(folder, TRAIL_FORWARD__PUBLIC_URL="https://example.com/audit/")
    assert code == 2
    assert "cannot be served under a path" in lines[0]


def test_a_folder_that_cannot_be_made_stops_the_start(folder: Path) -> None:
    (folder / "file").touch()
    code, lines = serve(folder, TRAIL_AUTH__USERS_PATH=str(folder / "file" / "users.yaml"))
    assert code == 2
    (line,) = lines
    assert "/file is not a folder" in line
    assert "set auth.users_path to another folder" in line


def test_all_problems_are_reported_together(folder: Path) -> None:
    write_users(folder, "jo", GOOD, "manager")
    (folder / "users.yaml").chmod(0o644)
    code, lines = serve(folder, "--host", "192.0.2.1")
    assert code == 2
    assert len(lines) == 4


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.7"])
def test_a_safe_setup_has_no_problems(folder: Path, host: str) -> None:
    settings = Settings(
        auth={"users_path": folder / "users.yaml"}, store={"path": folder / "trail.duckdb"}
    )
    assert preflight.problems(settings, host) == []
    (folder / "users.yaml").unlink()  # a first start
    assert preflight.problems(settings, host) == []


def test_a_provider_role_counts_as_an_owner(folder: Path) -> None:
    write_users(folder, "maya", hashed("correct-horse-9"), "manager")
    auth = {
        "users_path": folder / "users.yaml",
        "passwords": True,
        "oidc_metadata_url": "https://id.example.com/.well-known/openid-configuration",
        "oidc_client_id": "trail",
        "oidc_client_secret": "s3cret-of-the-tests",
    }
    for role, count in (("owner", 0), ("reviewer", 1)):
        settings = Settings(
            auth=auth | {"oidc_roles": {"x": role}}, store={"path": folder / "trail.duckdb"}
        )
        assert len(preflight.problems(settings, "127.0.0.1")) == count


def test_only_hashes_changed_by_hand_are_checked(folder: Path) -> None:
    users = Users(folder / "users.yaml")
    assert users.hashes(unchecked=True) == {}
    text = (folder / "users.yaml").read_text()
    before = users.hashes()["maya"]
    (folder / "users.yaml").write_text(
        text.replace(before, hashed("abc"))
    )  # still marked as checked
    assert list(users.hashes(unchecked=True)) == ["maya"]
