"""Checks before the server starts: unsafe addresses, file permissions, passwords and roles.

The server does not start while `problems` returns any.
"""

import datetime as dt
import ipaddress
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from trail.accounts import api_tokens, oidc, passwords
from trail.accounts.users import Users
from trail.core import atomic_file, stored_settings
from trail.core.settings import Settings, box_of
from trail.integrity import mirror

# Common placeholder passwords; `abc` and `def` are from the sample of streamlit-authenticator.
WELL_KNOWN = ("password", "changeme", "admin", "abc", "def")
_checked: set[tuple[int, int, int]] = set()  # stamps of users files without well-known passwords


def problems(settings: Settings, host: str) -> list[str]:
    """Return each problem of serving on *host*, with its remedy.

    Raises `UnavailableError` for a users file that cannot be read.
    """
    return [
        *address_problems(settings, host),
        *folder_problems(settings),
        *file_problems(settings),
        *oidc.setting_problems(settings, host),
        *user_problems(settings),
        *cluster_problems(settings),
        *role_problems(settings),
    ]


def role_problems(settings: Settings) -> list[str]:
    """Return the reason why a process with another role cannot be the dashboard."""
    if settings.store.role == "server":
        return []
    return ["store.role is ingest: start this process with `python -m trail serve`."]


def address_problems(settings: Settings, host: str) -> list[str]:
    """Return the problems of listening on *host*."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if loopback:
        return []
    message = f"Other machines can reach {host}"
    result = []
    if not settings.server.https:
        result.append(
            f"{message}, and passwords and cookies are sent unencrypted. Use an HTTPS proxy and "
            "set server.https, or listen on 127.0.0.1."
        )
    if not settings.server.allowed_hosts:
        result.append(
            f"{message}, and server.allowed_hosts is empty. Set it to the host name that users "
            "open."
        )
    return result


def cluster_problems(settings: Settings) -> list[str]:
    """Return the packages that a cluster needs and that are not installed."""
    if not settings.cluster.url:
        return []
    missing = [name for name in ("pyspark", "sqlglot", "grpc") if find_spec(name) is None]
    return [
        "cluster.url needs the packages of the extra `spark`. Run: "
        "pip install 'segment-audit-trail[spark]', or pip install -r requirements-spark.txt"
        for _ in missing[:1]
    ]


def folder_problems(settings: Settings) -> list[str]:
    """Return the folders that the server needs and cannot write to or create."""
    needed = {"store.path": settings.store.path, "auth.users_path": settings.auth.users_path}
    found = {path.parent: unwritable(path.parent, name) for name, path in needed.items()}
    return [problem for problem in found.values() if problem]


def unwritable(folder: Path, setting: str) -> str:
    """Return why files cannot be created in the *folder* of a *setting*, or an empty string."""
    existing = folder.absolute()
    while not existing.exists():  # the server creates what is missing
        existing = existing.parent
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return ""
    if not existing.is_dir():
        return f"{existing} is not a folder. Move it away, or set {setting} to another folder."
    return (
        f"{existing} is not writable for user {os.geteuid()}, who runs this. Change its owner or "
        f"permissions, or set {setting} to another folder."
    )


def file_problems(settings: Settings) -> list[str]:
    """Return the files with secrets that other users of this machine can access."""
    seals = mirror.files(settings.store.path, settings)
    private = (
        settings.auth.users_path,
        api_tokens.path_of(settings),
        seals.key,
        box_of(settings).path,
        stored_settings.path_of(settings.store.path),
    )
    return [
        f"Other users of this machine can access {path.name}. Run: chmod 600 {path.name}"
        for path in private
        if _is_open_to_others(path)
    ]


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False


def user_problems(settings: Settings) -> list[str]:
    """Return the problems of the users file, unless sign-in uses only a provider.

    Raises `UnavailableError` if it cannot be read.
    """
    path = settings.auth.users_path
    if not settings.auth.by_password or not path.exists():  # the first start creates an owner
        return []
    users, result = Users(path, warn=False), list[str]()
    for name, hash_ in users.hashes().items():
        remedy = f"Run: python -m trail users passwd {name}"
        if not passwords.is_hash(hash_):
            result.append(f"The password of {name} is not a bcrypt hash. {remedy}")
        elif passwords.cost(hash_) < passwords.MIN_COST:
            result.append(
                f"The password hash of {name} has a bcrypt cost below {passwords.MIN_COST}. "
                f"{remedy}"
            )
    if not result:
        result = [
            f"The password of {name} is a well-known password. "
            f"Run: python -m trail users passwd {name}"
            for name in _well_known_passwords(users, atomic_file.stamp(path))
        ]
    now = dt.datetime.now(dt.UTC)
    owners = [user for user in users.all() if user.role == "owner" and user.is_active(now)]
    if not result and not owners and "owner" not in settings.auth.oidc_roles.values():
        result.append(
            "No owner can sign in. Run: python -m trail users add NAME --role owner, "
            "or python -m trail users role NAME --role owner"
        )
    return result


def _well_known_passwords(users: Users, stamp: tuple[int, int, int]) -> list[str]:
    """Return the users with a well-known password, except passwords that were checked when set."""
    if stamp in _checked:
        return []

    def is_weak(item: tuple[str, str]) -> bool:
        return any(passwords.matches(entry, item[1]) for entry in (item[0], *WELL_KNOWN))

    unchecked = list(users.hashes(unchecked=True).items())
    with ThreadPoolExecutor() as pool:  # bcrypt releases the GIL
        weak = pool.map(is_weak, unchecked)
        names = [name for (name, _), is_bad in zip(unchecked, weak, strict=True) if is_bad]
    if not names:
        _checked.add(stamp)
    return names
