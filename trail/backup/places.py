"""Every file that the product writes, in one list: what a backup holds, and what it does not.

Backup, restore and docs/files.md read this list; a test lets a server run and fails for a file
that it does not know.
"""

import fnmatch
from collections.abc import Sized
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, SecretStr

from trail import access_waiting, intake, settings, tokens
from trail.seals import mirror
from trail.settings import Settings

DATABASE = "trail.duckdb"
KEY = "seals.key"
MIRROR = "seals.ndjson"
KNOWN = "known.json"
JOURNAL = "intake"
CONFIG = "trail.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """A file at *path*, called *name* in a backup; with a *pattern*, files of that folder.

    *prefix* is what their names begin with there, and not in a backup.
    """

    name: str
    path: Path
    what: str
    pattern: str = ""
    prefix: str = ""

    def files(self) -> dict[str, Path]:
        """Return the files that are there, by their names in a backup."""
        if not self.pattern:
            return {self.name: self.path} if self.path.is_file() else {}
        found = (path for path in sorted(self.path.glob(self.prefix + self.pattern)))
        return {f"{self.name}/{self._short(path)}": path for path in found if path.is_file()}

    def _short(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix().removeprefix(self.prefix)

    def of(self, name: str) -> Path | None:
        """Return where the file *name* of a backup belongs, or None where it is none of these."""
        if not self.pattern:
            return self.path if name == self.name else None
        head, _, rest = name.partition("/")
        parts, patterns = rest.split("/"), self.pattern.split("/")
        if head != self.name or len(parts) != len(patterns):
            return None
        if any(
            not fnmatch.fnmatchcase(part, pattern) or "\\" in part or not part.isprintable()
            for part, pattern in zip(parts, patterns, strict=True)
        ):
            return None
        return self.path / (self.prefix + "/".join(parts))


def kept(given: Settings, config: Path | None = None) -> tuple[Place, ...]:
    """Return what a backup holds; *config* is the settings file where it is another."""
    database = given.store.path.absolute()
    seals = mirror.files(database, given)
    config = config or settings.config_path().absolute()
    return (
        Place(DATABASE, database, "Events, decisions, rules, destinations, holds, access log"),
        Place(KEY, seals.key, "The private key that signs the seals"),
        Place(MIRROR, seals.mirror, "The mirror of the seals"),
        Place(
            "seals-before",
            seals.mirror.parent,
            "Mirrors before one that was accepted",
            "[1-9]*",
            f"{seals.mirror.name}.",
        ),
        Place(KNOWN, seals.known, "How many events the database ever had"),
        Place("users.yaml", given.auth.users_path.absolute(), "Users, with hashes of passwords"),
        Place("tokens.json", tokens.path_of(given).absolute(), "API tokens, as hashes"),
        Place(CONFIG, config, "Settings; left out where it holds a token or key itself"),
        Place(
            JOURNAL,
            intake.folder_of(given),
            "Events that were acknowledged and are on their way into the database",
            "*.journal",
        ),
        Place(
            "access",
            access_waiting.folder_of(given),
            "Entries of the access log on their way into the database",
            "*.json",
        ),
        Place(
            "archive",
            given.store.archive_path.absolute(),
            "Events that retention has removed, by day",
            "day=*/part-*.parquet",
        ),
    )


def passing(given: Settings) -> dict[Path, str]:
    """Return patterns of files that no backup holds, and why."""
    database, demo = given.store.path.absolute(), given.store.demo_path.absolute()
    users, held = given.auth.users_path.absolute(), mirror.files(database, given)
    keys = tokens.path_of(given).absolute()
    beside = database.parent
    found = {
        settings.secrets_path().absolute(): "Secrets: keep them apart from the trail",
        beside / f"{database.name}.wal": "The database's log; the copy is of both",
        beside / f".{database.name}.server.json": "Where the running server is",
        beside / f".{database.name}.[0-9]*": "The same, half written",
        beside / f"{database.stem}.spill/**": "Room for large queries",
        held.key.with_name(f"{held.key.name}.*.new"): "Half written",
        held.known.with_name(f"{held.known.name}.new"): "Half written",
        access_waiting.folder_of(given) / "*.new": "Half written",
        given.store.archive_path.absolute() / "day=*/.unfinished-*": "Half written",
        users.with_name(f"{users.name}*"): "The lock, and what is half written",
        keys.with_name(f"{keys.name}*"): "The lock, and what is half written",
        beside / f".{database.name}.restoring/**": "A restore that runs",
        demo.with_name(f"{demo.stem}.*"): "The demo workspace, made anew when it is asked for",
        demo.with_name(f".{demo.name}.*"): "The demo workspace, made anew when it is asked for",
    }
    found[beside / "trail.toml.restored*"] = "The settings of a backup, to be compared"
    for place in kept(given):
        if not place.pattern and place.name != CONFIG:
            found[place.path.with_name(f"{place.path.name}.before-*")] = "Put aside by a restore"
    if given.folder.path:
        found[given.folder.path.absolute() / "**"] = "Files that were dropped here to be loaded"
    if given.backup.path:
        found[given.backup.path.absolute() / "**"] = "The backups themselves"
    return found


def known(given: Settings, path: Path) -> bool:
    """Return whether the list knows the file at *path*."""
    path = path.absolute()
    if any(path in place.files().values() for place in kept(given)):
        return True
    return any(_fits(path, pattern) for pattern in passing(given))


def _fits(path: Path, pattern: Path) -> bool:
    if pattern.name == "**":
        return pattern.parent in path.parents
    return PurePosixPath(path).match(str(pattern))


def target(given: Settings, config: Path, name: str) -> Path | None:
    """Return where the file *name* of a backup belongs, or None for a name that none has."""
    return next((path for place in kept(given, config) if (path := place.of(name))), None)


def moved(given: Settings, folder: Path) -> Settings:
    """Return *given* with everything in one *folder*."""
    store = given.store.model_copy(
        update={
            "path": folder / given.store.path.name,
            "archive_path": folder / given.store.archive_path.name,
        }
    )
    auth = given.auth.model_copy(update={"users_path": folder / given.auth.users_path.name})
    seals = given.seals.model_copy(update={"mirror": None})
    return given.model_copy(update={"store": store, "auth": auth, "seals": seals})


def secrets(given: Settings) -> list[str]:
    """Return the names of the secrets that are set; a backup holds none of them."""
    return [name for name in SECRETS if _set(attrgetter(name)(given))]


def _set(value: SecretStr | Sized) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


# Every setting that is a secret, or holds some.
SECRETS = tuple(
    f"{section}.{name}"
    for section, field in Settings.model_fields.items()
    if isinstance(field.default, BaseModel)
    for name, inner in type(field.default).model_fields.items()
    if "SecretStr" in str(inner.annotation)
)
