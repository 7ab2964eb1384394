"""A new key for everything that is encrypted: nothing is lost, at whatever moment it ends."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

import pyotp
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.trail.notifications.conftest import KEY, hook
from trail.accounts.second_factors import SecondFactors, new_secret
from trail.accounts.users import Users
from trail.core import atomic_file, stored_settings
from trail.core import settings as core_settings
from trail.core.errors import InputError, UnavailableError
from trail.core.sections import Auth, Encryption, Forward
from trail.core.sections import Store as StoreSection
from trail.core.settings import Settings
from trail.core.stored_settings import Entry
from trail.notifications import destinations
from trail.runtime import stored_secrets
from trail.storage.duckdb import Store

PASSWORD, URL = "correct-horse-9", "http://127.0.0.1:9/hook"


class Place:
    """A folder with users, stored secrets and second factors."""

    def __init__(self, folder: Path, key: str = "") -> None:
        self.settings = Settings(
            store=StoreSection(path=folder / "trail.duckdb"),
            auth=Auth(users_path=folder / "users.yaml"),
            encryption=Encryption(key=key),
        )
        self.users = Users(folder / "users.yaml")
        self.key = folder / "trail.secrets.key"
        self.at = 1_800_000_000.0

    @property
    def factors(self) -> SecondFactors:
        return SecondFactors(self.users, self.settings, lambda: self.at)

    def keep(self, names: set[str]) -> None:
        """Store a secret of each name."""
        path = stored_settings.path_of(self.settings.store.path)
        with stored_settings.changing(path) as entries:
            for name in names:
                box = core_settings.box_of(self.settings)
                full = f"forward.secrets.{name}"
                entries[full] = Entry(secret=box.encrypt(full, name, new_key=True))

    def enroll(self, name: str) -> str:
        """Give the user *name* a second factor; return its secret."""
        self.users.add(name, name, "", "owner", PASSWORD)
        secret = new_secret()
        user = self.users.get(name)
        assert user
        self.factors.enroll(user, secret, pyotp.TOTP(secret).at(int(self.at)))
        return secret

    def values(self) -> stored_settings.StoredValues:
        """Return what is stored, decrypted."""
        path = stored_settings.path_of(self.settings.store.path)
        return stored_settings.values(path, core_settings.box_of(self.settings))

    def accepts(self, name: str, secret: str) -> bool:
        """Return whether the next code of the user *name* is accepted."""
        self.at += 30
        user = self.users.get(name)
        assert user
        return self.factors.check(user.account, pyotp.TOTP(secret).at(int(self.at)))

    def rotate(self) -> stored_secrets.Rotation:
        return stored_secrets.rotate_key(self.users, self.settings)


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    return lambda key="": Place(tmp_path, key)


@profile(max_examples=15, deadline=None)
@given(names=st.sets(st.sampled_from("abcdef"), min_size=1), stops_at=st.integers(0, 4))
def test_a_change_of_the_key_that_is_cut_short_loses_nothing(
    names: set[str], stops_at: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        place = Place(Path(folder))
        place.keep(names)
        secret = place.enroll("maya")
        before, written, replace = place.key.read_text(), 0, atomic_file.replace

        def cut(target: Path, text: str) -> None:
            nonlocal written
            if written == stops_at:
                raise KeyboardInterrupt
            written += 1
            replace(target, text)

        patch.setattr(atomic_file, "replace", cut)
        with contextlib.suppress(KeyboardInterrupt):
            done = place.rotate()
            assert (done.secrets, done.factors, done.unreadable) == (len(names), 1, ())
            assert place.key.read_text() != before
            assert len(place.key.read_text().split()) == 1
        patch.undo()
        assert place.values().values == {f"forward.secrets.{name}": name for name in names}
        assert place.accepts("maya", secret)


NAMES = st.sampled_from("abcd")


@profile(max_examples=10, deadline=None)
@given(
    entered=st.sets(NAMES, min_size=1),
    used=st.lists(st.tuples(NAMES, st.booleans()), max_size=5),
)
def test_secrets_go_with_the_last_destination_that_uses_them(
    entered: set[str], used: list[tuple[str, bool]], empty_database: Path
) -> None:
    with TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.keep(entered)
        copy(empty_database, place.settings.store.path)
        store = Store.open(place.settings.store.path, place.settings)
        forward = Forward(secrets={name: SecretStr(KEY) for name in "abcd"}, allow_loopback=True)
        deleted = []
        for number, (name, goes) in enumerate(used):
            made = hook(store, URL, forward, name=f"{number}", secrets={"key": name})
            deleted += [made] if goes else []
        gone = {name for name, goes in used if goes} - {name for name, goes in used if not goes}
        expected = tuple(f"forward.secrets.{name}" for name in sorted(entered & gone))
        assert stored_secrets.used_only_by(store, place.settings, deleted) == expected
        for one in deleted:
            store.write(lambda cursor, one=one: destinations.remove(cursor, one.destination_id))  # type: ignore[misc]
        assert stored_secrets.remove_with(store, place.settings, deleted) == expected
        assert place.values().values == {f"forward.secrets.{name}": name for name in entered - gone}
        store.close()


def test_second_factors_alone_get_a_new_key(place: Callable[..., Place]) -> None:
    one = place()
    with pytest.raises(InputError, match="no stored secrets"):
        one.rotate()
    secret = one.enroll("maya")
    assert one.rotate().sentence() == (
        "Encrypted with the new key: 1 second factor. The old key is removed."
    )
    assert one.accepts("maya", secret)
    assert stored_secrets.are_encrypted(one.users, one.settings)


def test_what_the_key_does_not_fit_is_kept(place: Callable[..., Place]) -> None:
    one = place()
    one.keep({"lost"})
    kept = one.key.read_text()
    one.key.unlink()
    with pytest.raises(UnavailableError, match="is missing"):
        one.rotate()
    one.keep({"new"})
    done = one.rotate()
    assert (done.secrets, done.unreadable) == (1, ("forward.secrets.lost",))
    assert "The old key is kept" in done.sentence()
    assert len(one.key.read_text().split()) == 2
    one.key.write_text(kept + one.key.read_text())
    assert one.values().unreadable == ()
    assert one.rotate().unreadable == ()


def test_keys_of_the_environment_are_replaced_by_putting_a_new_one_before(
    place: Callable[..., Place],
) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    one = place(old)
    one.keep({"a"})
    with pytest.raises(InputError, match="only one key"):
        one.rotate()
    assert place(f"{new} {old}").rotate().secrets == 1
    assert place(new).values().unreadable == ()
    assert not one.key.exists()
