"""List every file that the product writes: files in a backup, and files that it omits.

Used by backup, restore and docs/files.md; a test runs a server and fails for an unlisted file.
"""

import fnmatch
from collections.abc import Sized
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from pydantic import SecretStr

from trail.access_log import spool
from trail.accounts import api_tokens, invitations, second_factors
from trail.core import registry, stored_settings
from trail.core.model import Drop
from trail.core.settings import (
    Settings,
    box_of,
    config_path,
    every_setting,
    is_secret,
    secrets_path,
)
from trail.ingest import receiver, uploads
from trail.integrity import mirror

DATABASE = "trail.duckdb"
KEY = "seals.key"
MIRROR = "seals.ndjson"
KNOWN = "known.json"
JOURNAL = "intake"
INCOMING = "incoming"
CONFIG = "trail.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """A file at *path*, called *name* in a backup; with a *pattern*, files in that folder.

    Their names begin with *prefix*, which a backup omits.
    """

    name: str
    path: Path
    what: str
    pattern: str = ""
    prefix: str = ""

    def files(self) -> dict[str, Path]:
        """Return the existing files by their names in a backup."""
        if not self.pattern:
            return {self.name: self.path} if self.path.is_file() else {}
        paths = sorted(self.path.glob(self.prefix + self.pattern))
        names = (path.relative_to(self.path).as_posix().removeprefix(self.prefix) for path in paths)
        files = zip(names, paths, strict=True)
        return {f"{self.name}/{name}": path for name, path in files if path.is_file()}

    def target(self, name: str) -> Path | None:
        """Return the path of the file *name* of a backup, or None if it is not one of these."""
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


def included(settings: Settings, config: Path | None = None) -> tuple[Place, ...]:
    """Return the files in a backup; *config* overrides the path of the settings file."""
    database = settings.store.path.absolute()
    seals = mirror.files(database, settings)
    config = config or config_path().absolute()
    return (
        Place(
            DATABASE,
            database,
            "Events, decisions, alert rules, destinations, legal holds, access log",
        ),
        Place(KEY, seals.key, "The private key that signs the seals"),
        Place(MIRROR, seals.mirror, "The mirror of the seals"),
        Place(
            "seals-before",
            seals.mirror.parent,
            "Earlier mirrors, before a mismatch was accepted",
            "[1-9]*",
            f"{seals.mirror.name}.",
        ),
        Place(KNOWN, seals.known, "High-water mark: how many events the database ever contained"),
        Place("users.yaml", settings.auth.users_path.absolute(), "Users, with password hashes"),
        Place("tokens.json", api_tokens.path_of(settings).absolute(), "API tokens, as hashes"),
        Place(
            "invitations.json",
            invitations.path_of(settings).absolute(),
            "Open invitations, as hashes",
        ),
        Place(
            "second-factors.json",
            second_factors.path_of(settings).absolute(),
            "Second factors, encrypted with the key of the stored secrets",
        ),
        Place(
            "settings.json",
            stored_settings.path_of(database),
            "Settings changed in the browser; their secrets are encrypted",
        ),
        Place(CONFIG, config, "Settings; omitted if the file contains a token or key"),
        Place(
            JOURNAL,
            receiver.folder_of(settings),
            "Write-ahead log: acknowledged events not yet in the database",
            "*.journal",
        ),
        Place(
            "access",
            spool.folder_of(settings),
            "Access log entries not yet in the database",
            "*.json",
        ),
        Place(
            "archive",
            settings.store.archive_path.absolute(),
            "Events removed by the retention policy, by day",
            "day=*/part-*.parquet",
        ),
        Place(
            INCOMING,
            settings.store.incoming,
            "Events that ingest processes have received, not yet in the database",
            "*/part-*.parquet",
        ),
    )


def excluded(settings: Settings) -> dict[Path, str]:
    """Return patterns of files that backups omit, and why."""
    database, demo = settings.store.path.absolute(), settings.store.demo_path.absolute()
    users, seals = settings.auth.users_path.absolute(), mirror.files(database, settings)
    keys = api_tokens.path_of(settings).absolute()
    invited = invitations.path_of(settings).absolute()
    factors = second_factors.path_of(settings).absolute()
    stored, box = stored_settings.path_of(database), box_of(settings)
    beside = database.parent
    patterns = {
        secrets_path().absolute(): "Secrets: store them separately",
        box.path.absolute(): "Key of the secrets entered in the browser: store it separately",
        box.path.absolute().with_name(f"{box.path.name}?*"): "Lock file, and incomplete versions",
        stored.with_name(f"{stored.name}?*"): "Lock file, and incomplete versions",
        beside
        / f"{database.name}.wal": "Write-ahead log of the database; its contents are in the copy",
        beside / f".{database.name}.server.json": "Address of the running server",
        beside / f".{database.name}.[0-9]*": "The same, incomplete",
        beside / f"{database.stem}.spill/**": "Temporary data of large queries",
        uploads.folder_of(settings)
        / "**": "Files uploaded in the browser, until they are imported",
        seals.key.with_name(f"{seals.key.name}.*.new"): "Incomplete",
        seals.known.with_name(f"{seals.known.name}?*"): "Incomplete",
        spool.folder_of(settings) / "*.new": "Incomplete",
        receiver.signatures_of(settings).with_name(
            f"{receiver.signatures_of(settings).name}*"
        ): "Signatures of accepted webhooks, against replays",
        settings.store.archive_path.absolute() / "day=*/.unfinished-*": "Incomplete",
        settings.store.archive_path.absolute()
        / "day=*/_manifest.json": "Signed list of the day's files, written again after a restore",
        settings.store.archive_path.absolute() / "day=*/_manifest.json.*.new": "Incomplete",
        settings.store.incoming / ".compactor": "Which server takes the files in this folder",
        settings.store.incoming / "*/node.json*": "Last report of an ingest process",
        settings.store.incoming / "*/.unfinished-*": "Incomplete",
        settings.store.incoming / "*/set-aside/*": "Files that are damaged, with the reasons",
        beside / f"{database.stem}.*.ingest/**": "Write-ahead logs of ingest processes",
        beside
        / f"{database.stem}.*.signatures*": "Signatures of webhooks that these have accepted",
        users.with_name(f"{users.name}*"): "Lock file, and incomplete versions",
        factors.with_name(f"{factors.name}*"): "Lock file, and incomplete versions",
        invited.with_name(f"{invited.name}*"): "Lock file, and incomplete versions",
        keys.with_name(f"{keys.name}*"): "Lock file, and incomplete versions",
        beside / f".{database.name}.restoring/**": "A restore in progress",
        demo.with_name(f"{demo.stem}.*"): "Demo workspace, recreated on demand",
        demo.with_name(f".{demo.name}.*"): "Demo workspace, recreated on demand",
    }
    patterns[beside / "trail.toml.restored*"] = "Settings from a backup, for comparison"
    for place in included(settings):
        if not place.pattern and place.name != CONFIG:
            moved = place.path.with_name(f"{place.path.name}.before-*")
            patterns[moved] = "Previous file, renamed by a restore"
    for drop in registry.of_kind(Drop):
        if folder := drop.folder(settings):
            patterns[folder.absolute() / "**"] = "Files dropped here for loading"
    if settings.export.folder:
        patterns[settings.export.folder.absolute() / "**"] = "Files of scheduled exports"
    if settings.backup.path:
        patterns[settings.backup.path.absolute() / "**"] = "The backups themselves"
    return patterns


def target(settings: Settings, config: Path, name: str) -> Path | None:
    """Return the path of the file *name* of a backup, or None for an unknown name."""
    return next(
        (path for place in included(settings, config) if (path := place.target(name))), None
    )


def relocated(settings: Settings, folder: Path) -> Settings:
    """Return *settings* with all paths in one *folder*."""
    store = settings.store.model_copy(
        update={
            "path": folder / settings.store.path.name,
            "archive_path": folder / settings.store.archive_path.name,
        }
    )
    auth = settings.auth.model_copy(update={"users_path": folder / settings.auth.users_path.name})
    seals = settings.seals.model_copy(update={"mirror": None})
    encryption = settings.encryption.model_copy(update={"key_path": None})
    return settings.model_copy(
        update={"store": store, "auth": auth, "seals": seals, "encryption": encryption}
    )


def secret_settings() -> list[str]:
    """Return the names of all settings that are secrets or contain some."""
    return [name for name, _ in every_setting() if is_secret(name)]


def secrets(settings: Settings) -> list[str]:
    """Return the names of the secrets that are set; a backup contains none of them."""
    return [name for name in secret_settings() if _is_set(attrgetter(name)(settings))]


def _is_set(value: SecretStr | Sized) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
