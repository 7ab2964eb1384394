"""Preferences: one value per user and name, within limits, removed with the user."""

import datetime as dt
import threading
from pathlib import Path

import pytest

from trail.accounts.preferences import MAX_BYTES, MAX_ENTRIES, Preferences
from trail.accounts.users import Users
from trail.core.clock import utc_now
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.runtime import maintenance
from trail.runtime.job import JobContext
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import saved_views
from trail.views.view import Viewer


def test_the_last_value_of_a_user_is_returned(store: Store) -> None:
    preferences = Preferences(store)
    assert preferences.get("maya", "columns:explore") is None
    for value in (["a"], {"ß \ud800": [1.5, None, True]}):
        preferences.put("Maya ", "columns:explore", value)
        assert preferences.get("maya", "columns:explore") == value
    assert preferences.get("jonas", "columns:explore") is None
    preferences.put("maya", "columns:explore", None)
    assert preferences.get("maya", "columns:explore") is None


def test_size_and_number_are_limited(store: Store) -> None:
    preferences = Preferences(store)
    preferences.put("maya", "text", "x" * (MAX_BYTES - 2))
    for name, value in (("text", "x" * MAX_BYTES), ("text", "ß" * (MAX_BYTES // 5)), ("A b", 1)):
        with pytest.raises(InputError):
            preferences.put("maya", name, value)
    for number in range(MAX_ENTRIES - 1):
        preferences.put("maya", f"n{number}", number)
    with pytest.raises(InputError, match="More than"):
        preferences.put("maya", "one-more", 1)
    preferences.put("maya", "n0", "changed")
    preferences.put("jonas", "one-more", 1)


def test_entries_of_removed_users_are_pruned(
    store: Store, settings: Settings, tmp_path: Path, cheap_hashes: None
) -> None:
    path = tmp_path / "users.yaml"
    settings = settings.model_copy(
        update={"auth": settings.auth.model_copy(update={"users_path": path})}
    )
    context = JobContext(settings, lambda: store, lambda: store, threading.Event())
    jobs = {job.health.name: job for job in maintenance.jobs(context, threading.Event())}
    job = jobs["preferences"]
    preferences, users = Preferences(store), Users(path)
    preferences.put("oidc:ana", "columns:explore", 1)
    job.run(job)  # without a users file nobody is known to be removed
    accounts = {"oidc:ana": "oidc:ana"}
    for username in ("maya", "jonas"):
        users.add(username, username, "", "owner", "correct-horse-9")
        user = users.get(username)
        assert user
        accounts[username] = user.account
        preferences.put(user.account, "columns:explore", 1)
        saved_views.create(store, Viewer(user.account, username), f"Of {username}", Filter())
    users.remove("maya")
    # Whoever is added under the name meanwhile is another user.
    users.add("maya", "Mia", "", "manager", "correct-horse-9")
    mia = users.get("maya")
    assert mia and preferences.get(mia.account, "columns:explore") is None
    assert saved_views.visible(store, mia.account)[-1].is_built_in
    job.run(job)
    left = [
        name for name, account in accounts.items() if preferences.get(account, "columns:explore")
    ]
    assert left == ["oidc:ana", "jonas"]
    names = [saved_views.visible(store, accounts[name])[-1].name for name in ("maya", "jonas")]
    assert names == ["Tokens", "Of jonas"]
    path.write_text("credentials: [", encoding="utf-8")
    with pytest.raises(UnavailableError):
        job.run(job)
    preferences.prune([accounts["jonas"]], utc_now() + dt.timedelta(days=401))
    assert preferences.get("oidc:ana", "columns:explore") is None
    assert preferences.get(accounts["jonas"], "columns:explore") == 1
