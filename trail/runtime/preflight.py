"""Unsafe set-ups with which the dashboard does not start: what is wrong and how to fix it.

Separate because it judges what others only use: the users file, the modes of private files, the
address that is listened on.
"""

import ipaddress
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trail.accounts import api_tokens, oidc, passwords
from trail.accounts.users import Users
from trail.core import atomic_file
from trail.core.settings import Settings
from trail.integrity import mirror

# What people write into a first file and forget; the short ones stand in the library's own sample.
KNOWN = ("password", "changeme", "admin", "abc", "def")
_tried: set[tuple[int, int, int]] = set()  # stamps of users files whose passwords are none of them


def problems(settings: Settings, host: str) -> list[str]:
    """Return one sentence and its remedy for each thing that is wrong with serving on *host*.

    Raises `UnavailableError` for a users file that cannot be read.
    """
    wrong = [
        *_address(settings, host),
        *_files(settings),
        *oidc.setting_problems(settings, host),
    ]
    return [*wrong, *_users(settings)] if settings.auth.by_password else wrong


def _address(settings: Settings, host: str) -> list[str]:
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if here:
        return []
    message = f"Other machines can reach {host}"
    wrong = []
    if not settings.server.https:
        wrong.append(
            f"{message}, where passwords and cookies would travel in the clear. Put a proxy with "
            "https before it and set server.https, or listen on 127.0.0.1."
        )
    if not settings.server.allowed_hosts:
        wrong.append(
            f"{message}, and no host name is allowed. Set server.allowed_hosts to the name that "
            "people open."
        )
    return wrong


def _files(settings: Settings) -> list[str]:
    seals = mirror.files(settings.store.path, settings)
    private = (settings.auth.users_path, api_tokens.path_of(settings), seals.key)
    return [
        f"{path.name} is open to other users of this machine. Run: chmod 600 {path.name}"
        for path in private
        if _open(path)
    ]


def _open(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False


def _users(settings: Settings) -> list[str]:
    path = settings.auth.users_path
    if not path.exists():  # the first start makes an owner
        return []
    users, wrong = Users(path, warn=False), list[str]()
    for name, hash_ in users.hashes().items():
        mend = f"Run: python -m trail users passwd {name}"
        if not passwords.is_hash(hash_):
            wrong.append(f"The password of {name} is not a bcrypt hash. {mend}")
        elif passwords.cost(hash_) < passwords.MIN_COST:
            wrong.append(f"The password of {name} has a hash with too low a cost. {mend}")
    if not wrong:
        wrong = [
            f"The password of {name} is a well-known password. "
            f"Run: python -m trail users passwd {name}"
            for name in _everybodys(users, atomic_file.stamp(path))
        ]
    owners = [user for user in users.all() if user.role == "owner"]
    if not wrong and not owners and "owner" not in settings.auth.oidc_roles.values():
        wrong.append(
            "No owner can sign in. Run: python -m trail users add NAME --role owner, "
            "or python -m trail users role NAME --role owner"
        )
    return wrong


def _everybodys(users: Users, stamp: tuple[int, int, int]) -> list[str]:
    """Return who has a well-known password; passwords set here were checked then."""
    if stamp in _tried:
        return []

    def bad(item: tuple[str, str]) -> bool:
        return any(passwords.matches(entry, item[1]) for entry in (item[0], *KNOWN))

    rest = list(users.hashes(unchecked=True).items())
    with ThreadPoolExecutor() as pool:  # bcrypt lets the other threads run
        names = [
            name for (name, _), is_bad in zip(rest, pool.map(bad, rest), strict=True) if is_bad
        ]
    if not names:
        _tried.add(stamp)
    return names
