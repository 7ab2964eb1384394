"""Check the installation: Python, packages, folders, disk space, public address and backups."""

import datetime as dt
import os
import platform
import re
import shutil
import tempfile
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import trail
from trail.backup import daily
from trail.core.errors import SettingError, UnavailableError
from trail.core.settings import Settings
from trail.core.text import byte_size
from trail.integrity import mirror
from trail.runtime import check, preflight
from trail.runtime.check import Check
from trail.storage import archive_place

_PIN = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)")
# Development tooling; nothing imports it at run time.
_NOT_NEEDED = "pytest"
# Below this, loads soon fail; below the size of the database, a backup or an upgrade fails.
_LOW_BYTES = 500 << 20
_STALE = dt.timedelta(days=2)


def packages(pins: dict[str, str] | None = None) -> list[Check]:
    """Check that the installed packages are those that this release was tested with.

    *pins* are their versions by name; by default those of the wheel or of requirements.txt.
    """
    wanted = _pins() if pins is None else pins
    problems = []
    for name, version in wanted.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = ""
        if found != version:
            there = f"{found} is installed" if found else "is not installed"
            problems.append(
                f"{name} {there}; this release needs {version}. Install the wheel again, or run: "
                "pip install --require-hashes -r requirements.lock"
            )
    fine = f"Release {trail.VERSION}, Python {platform.python_version()}, {len(wanted)} packages."
    return check.judged("Software", fine, problems)


def folders(settings: Settings) -> list[Check]:
    """Check that the server can write to all its folders."""
    in_folder = settings.store.archive and not settings.archive.url
    optional = {
        "store.archive_path": settings.store.archive_path if in_folder else None,
        "backup.path": settings.backup.path,
        "export.folder": settings.export.folder,
        "seals.mirror": settings.seals.mirror.parent if settings.seals.mirror else None,
        "TMPDIR": Path(tempfile.gettempdir()),
    }
    problems = preflight.folder_problems(settings)
    problems += [
        problem
        for name, folder in optional.items()
        if folder and (problem := preflight.unwritable(folder, name))
    ]
    return check.judged("Folders", "All folders are writable.", problems)


def archive(settings: Settings) -> list[Check]:
    """Check that the bucket of the archive, if there is one, can be listed. Writes nothing."""
    if not settings.archive.url:
        return []
    try:
        place = archive_place.of(settings)
    except SettingError as error:
        return check.judged("Archive", "", [str(error)])
    problems = [f"The archive cannot be reached. {text}"] if (text := place.problem()) else []
    return check.judged(
        "Archive", f"{place.url}: {len(place.files()) if not problems else 0:,} files.", problems
    )


def cluster(settings: Settings) -> list[Check]:
    """Check that the cluster, if there is one, answers a query."""
    if not settings.cluster.url:
        return []
    problems = preflight.cluster_problems(settings)
    if not problems:
        # Imported here, since its packages are an extra.
        from trail.storage.spark import SparkCluster

        asked = SparkCluster(settings.cluster, "")
        try:
            asked.table("select 1")
        except UnavailableError as error:
            problems = [str(error)]
        asked.close()
    return check.judged("Cluster", f"{settings.cluster.url} answers.", problems)


def private_files(settings: Settings) -> list[Check]:
    """Check that files with secrets are readable, but not for other users."""
    return check.judged(
        "Secrets",
        "Other users of this machine cannot read files with secrets.",
        [*preflight.file_problems(settings), *settings.problems],
    )


def disk_space(settings: Settings) -> list[Check]:
    """Check the free space for the database, a backup of it, and temporary files."""
    database = settings.store.path.absolute()
    size = database.stat().st_size if database.exists() else 0
    places = {"the database": database.parent, "temporary files": Path(tempfile.gettempdir())}
    if settings.backup.path:
        places["backups"] = settings.backup.path.absolute()
    problems, warnings, found = [], [], []
    for use, folder in places.items():
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        room = f"{byte_size(free)} free for {use}"
        found.append(room)
        if free < _LOW_BYTES:
            problems.append(f"{room}. Free at least {byte_size(_LOW_BYTES)} in {existing}.")
        elif free < size:
            warnings.append(
                f"{room}, less than the database ({byte_size(size)}). A backup, an upgrade or a "
                f"large export may fail; free space in {existing}."
            )
    fine = f"{', '.join(found)}; the database uses {byte_size(size)}."
    return check.judged("Disk space", fine, problems, warnings)


def public_address(settings: Settings, host: str) -> list[Check]:
    """Check that the public URL, the proxy settings and cookies are consistent."""
    server, url = settings.server, urlsplit(settings.forward.public_url)
    warnings = []
    if not url.hostname:
        warnings.append(
            "forward.public_url is empty: messages have no links. Set it to the address that "
            "users open."
        )
    else:
        if server.allowed_hosts and url.hostname not in server.allowed_hosts:
            warnings.append(
                f"{url.hostname} of forward.public_url is not in server.allowed_hosts: links in "
                "messages are refused. Add it."
            )
        if (url.scheme == "https") != server.https:
            change = "Set server.https" if url.scheme == "https" else "Correct one of them"
            warnings.append(f"forward.public_url and server.https do not agree. {change}.")
    if server.https and not server.trusted_proxies:
        warnings.append(
            "server.https is set and server.trusted_proxies is empty: all users share the "
            "address of the proxy in the access log and in limits. Set it to the proxy's address."
        )
    problems = preflight.address_problems(settings, host)
    fine = f"{settings.forward.public_url} agrees with the settings of the server."
    return check.judged("Address", fine, problems, warnings)


def backups(settings: Settings, now: dt.datetime) -> list[Check]:
    """Check that a recent daily backup exists at *now* (aware)."""
    folder = settings.backup.path
    if folder is None:
        text = "No daily backup. Set backup.path to a folder on another disk."
        return [Check("Backup", "warning", text)]
    newest = daily.newest(folder)
    if newest is None:
        text = "No backup has been made yet. The server makes one a day; see docs/how-to/backup.md."
        return [Check("Backup", "warning", text)]
    made = dt.datetime.fromtimestamp(newest.stat().st_mtime, dt.UTC)
    text = f"The newest backup is {newest.name}, made {made:%Y-%m-%d %H:%M} UTC."
    if now - made > _STALE:
        advice = f"Check the free space of {folder} and the server's log."
        return [Check("Backup", "problem", f"{text} {advice}")]
    return [check.ok("Backup", text)]


def seal_mirror(settings: Settings) -> list[Check]:
    """Check that the seal mirror is writable and stored separately from the database."""
    database = settings.store.path.absolute()
    path = mirror.files(database, settings).mirror
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        text = f"{path.name} cannot be written. Make it readable and writable for the server."
        return [Check("Seal mirror", "problem", text)]
    if path.parent == database.parent:
        text = (
            "The mirror of the seals is beside the database: whoever replaces one can replace "
            "both. Set seals.mirror to a file on another disk."
        )
        return [Check("Seal mirror", "warning", text)]
    return [check.ok("Seal mirror", f"{path} is outside the folder of the database.")]


def _pins() -> dict[str, str]:
    listed = Path(trail.__file__).parents[1] / "requirements.txt"
    if listed.exists():
        lines = listed.read_text(encoding="utf-8").splitlines()
    else:
        lines = metadata.requires("segment-audit-trail") or []
    found = [match.groups() for line in lines if (match := _PIN.match(line))]
    return {name: version for name, version in found if name != _NOT_NEEDED}
