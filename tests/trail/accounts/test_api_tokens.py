"""API tokens: creation, storage as a hash, expiry, revocation, and refusal of invalid ones."""

import datetime as dt
import hashlib
import io
import json
import stat
from pathlib import Path

import pytest

from trail.access_log import log
from trail.accounts.api_tokens import PREFIX, Tokens
from trail.accounts.users import Users
from trail.cli.main import main
from trail.core.errors import InputError, UnavailableError

AT = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
READ = ("read",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tokens.json"


@pytest.fixture
def tokens(path: Path) -> Tokens:
    return Tokens(path)


def test_token_is_authenticated_only_by_its_exact_secret(tokens: Tokens, path: Path) -> None:
    token, secret = tokens.add("ci", "manager", READ, 90, AT)
    assert secret.startswith(PREFIX)
    assert len(secret) >= len(PREFIX) + 43  # 32 random bytes
    result = tokens.authenticate(secret, AT)
    assert result is not None
    assert (result.name, result.role, result.scopes) == ("ci", "manager", READ)
    for wrong in ("", secret[:-1], secret + "x", token.hash, secret.swapcase()):
        assert tokens.authenticate(wrong, AT) is None
    kept = path.read_text()
    assert secret not in kept
    assert secret.removeprefix(PREFIX) not in kept
    assert hashlib.sha256(secret.encode()).hexdigest() in kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_token_expires(tokens: Tokens) -> None:
    _, secret = tokens.add("ci", "manager", READ, 90, AT)
    last = AT + dt.timedelta(days=90) - dt.timedelta(seconds=1)
    assert tokens.authenticate(secret, last)
    assert tokens.authenticate(secret, last + dt.timedelta(seconds=1)) is None
    assert tokens.all()[0].is_expired(last + dt.timedelta(seconds=1))


def test_revocation_by_another_process_takes_effect_immediately(tokens: Tokens, path: Path) -> None:
    _, secret = tokens.add("ci", "manager", READ, 90, AT)
    _, other = tokens.add("bi", "reviewer", ("export", "read", "export"), 1, AT)
    assert tokens.authenticate(secret, AT)
    Tokens(path).revoke("ci")
    assert tokens.authenticate(secret, AT) is None
    assert tokens.authenticate(other, AT)
    assert [token.name for token in tokens.all()] == ["bi"]
    assert tokens.all()[0].scopes == ("export", "read")
    with pytest.raises(InputError, match="Unknown token"):
        tokens.revoke("ci")


def test_last_use_is_written_once_per_day(tokens: Tokens, path: Path) -> None:
    _, secret = tokens.add("ci", "manager", READ, 90, AT)
    assert tokens.all()[0].used_on == ""
    tokens.authenticate(secret, AT)
    written = path.stat().st_mtime_ns
    for minute in range(30):
        tokens.authenticate(secret, AT + dt.timedelta(minutes=minute))
    assert path.stat().st_mtime_ns == written
    assert tokens.all()[0].used_on == "2026-11-24"
    tokens.authenticate(secret, AT + dt.timedelta(days=1))
    assert Tokens(path).all()[0].used_on == "2026-11-25"


@pytest.mark.parametrize(
    ("name", "role", "scopes", "days"),
    [
        ("Big", "owner", READ, 90),
        ("", "owner", READ, 90),
        ("a\nb", "owner", READ, 90),
        ("ci", "admin", READ, 90),
        ("ci", "owner", ("write",), 90),
        ("ci", "owner", (), 90),
        ("ci", "owner", READ, 0),
        ("ci", "owner", READ, 731),
    ],
)
def test_invalid_tokens_are_refused(
    tokens: Tokens, name: str, role: str, scopes: tuple[str, ...], days: int
) -> None:
    with pytest.raises(InputError):
        tokens.add(name, role, scopes, days, AT)
    assert tokens.all() == []


def test_duplicate_name_is_refused(tokens: Tokens) -> None:
    tokens.add("ci", "owner", READ, 90, AT)
    with pytest.raises(InputError, match="already exists"):
        tokens.add("ci", "owner", READ, 90, AT)


@pytest.mark.parametrize("text", ["", "[]", '{"tokens": [{"name": "x"}]}', '{"tokens": 3}'])
def test_damaged_file_denies_access(tokens: Tokens, path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(UnavailableError):
        tokens.authenticate("trail_x", AT)


def test_token_with_an_unknown_role_is_refused(tokens: Tokens, path: Path) -> None:
    _, secret = tokens.add("ci", "owner", READ, 90, AT)
    path.write_text(path.read_text().replace('"owner"', '"emperor"'))
    assert tokens.authenticate(secret, AT) is None


class TestCommands:
    @pytest.fixture(autouse=True)
    def isolated_paths(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRAIL_CONFIG", str(tmp_path / "none.toml"))
        monkeypatch.setenv("TRAIL_AUTH__USERS_PATH", str(tmp_path / "users.yaml"))
        monkeypatch.setenv("TRAIL_STORE__PATH", str(tmp_path / "trail.duckdb"))
        monkeypatch.setattr(log, "_current", [])

    def test_add_list_revoke(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main(["tokens", "add", "ci", "--role", "reviewer", "--scope", "export"]) == 0
        message = capsys.readouterr()
        secret = message.out.strip()
        assert secret.startswith(PREFIX)
        assert secret not in message.err
        assert "not shown again" in message.err
        assert main(["tokens", "list", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert listed["name"] == "ci"
        assert listed["scopes"] == ["export"]
        assert listed["expired"] is False
        assert "hash" not in listed
        assert main(["tokens", "list"]) == 0
        assert "never" in capsys.readouterr().out
        assert main(["tokens", "revoke", "ci"]) == 0
        assert main(["tokens", "revoke", "ci"]) == 1
        entry_paths = list((tmp_path / "trail.access").glob("*.json"))
        noted = sorted(json.loads(path.read_text())["kind"] for path in entry_paths)
        assert noted == ["command", "command", "token_added", "token_revoked"]
        assert all(secret not in path.read_text() for path in entry_paths)

    def test_json_output_contains_the_secret(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["tokens", "add", "ci", "--role", "owner", "--days", "7", "--json"]) == 0
        message = json.loads(capsys.readouterr().out)
        assert message["token"].startswith(PREFIX)
        assert message["scopes"] == ["read"]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_password_set_on_the_server_revokes_the_tokens_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    monkeypatch.setenv("TRAIL_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("TRAIL_AUTH__USERS_PATH", str(tmp_path / "users.yaml"))
    monkeypatch.setenv("TRAIL_STORE__PATH", str(tmp_path / "trail.duckdb"))
    monkeypatch.setattr(log, "_current", [])
    users, tokens = Users(tmp_path / "users.yaml"), Tokens(tmp_path / "tokens.json")
    for name in ("jon", "jo"):
        users.add(name, "", "", "manager", "correct-horse-9")
        owner = next(user.account for user in users.all() if user.username == name)
        tokens.add(f"of-{name}", "viewer", ("read",), 9, dt.datetime.now(dt.UTC), owner)
    tokens.add("of-workspace", "viewer", ("read",), 9, dt.datetime.now(dt.UTC))
    monkeypatch.setattr("sys.stdin", io.StringIO("another-horse-7\n"))
    assert main(["users", "passwd", "Jon", *(["--keep-tokens"] if keeps else [])]) == 0
    assert users.check("jon", "another-horse-7")
    left = {token.name for token in tokens.all()}
    assert left == {"of-jo", "of-workspace"} | ({"of-jon"} if keeps else set())
    entry_paths = (tmp_path / "trail.access").glob("*.json")
    result = sorted((row["kind"], row["what"]) for row in map(_entry, entry_paths))
    revoked = [] if keeps else [("token_revoked", "of-jon")]
    assert result == [("password_set", "Jon"), *revoked]


def _entry(path: Path) -> dict[str, str]:
    entry: dict[str, str] = json.loads(path.read_text())
    return entry


def test_user_commands_are_logged_without_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAIL_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("TRAIL_AUTH__USERS_PATH", str(tmp_path / "users.yaml"))
    monkeypatch.setenv("TRAIL_STORE__PATH", str(tmp_path / "trail.duckdb"))
    monkeypatch.setattr(log, "_current", [])
    for line, typed in (
        ("users add jon --role manager", "correct-horse-9"),
        ("users passwd jon", "another-horse-7"),
        ("users role jon --role reviewer", ""),
        ("users list", ""),
        ("users remove jon", ""),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        assert main(line.split()) == 0
    entry_paths = sorted((tmp_path / "trail.access").glob("*.json"))
    result = [json.loads(path.read_text()) for path in entry_paths]
    assert [(row["kind"], row["what"], row["detail"]) for row in result] == [
        ("user_added", "jon", "manager"),
        ("password_set", "jon", ""),
        ("role_set", "jon", "reviewer"),
        ("command", "users", "users list"),
        ("user_removed", "jon", ""),
    ]
    assert all("horse" not in path.read_text() for path in entry_paths)
