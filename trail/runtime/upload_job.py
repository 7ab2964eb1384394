"""The job for uploaded files: a dry run of each, its import on request, and its removal.

Results are kept in memory: after a restart, the dry run of a waiting file is repeated.
"""

import datetime as dt
import logging
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trail.core.clock import utc_now
from trail.core.errors import InputError, StoppedError, TrailError
from trail.core.model import Batch, TableColumns
from trail.ingest import uploads
from trail.ingest.files import load_files, table_columns
from trail.ingest.uploads import Upload
from trail.runtime.job import Job, JobContext
from trail.storage.duckdb import Store

_log = logging.getLogger("trail.runtime")

NAME, TITLE = "uploads", "Uploaded files"
_EVERY_S = 600.0
_KEPT_RESULTS = 20

Stage = Literal["checking", "checked", "importing", "imported"]


@dataclass(slots=True)
class Progress:
    """The progress of an upload: its stage, the share done (0 to 1), and the counts so far.

    `columns` are those of a table; while some are `needed`, there is no dry run. `error` is why the
    stage ended early. `started_at` is naive UTC.
    """

    upload: Upload
    stage: Stage = "checking"
    share: float = 0.0
    batch: Batch = field(default_factory=lambda: Batch(source="", loader=""))
    columns: TableColumns | None = None
    error: str = ""
    quarantine: bool = True
    started_at: dt.datetime = field(default_factory=utc_now)
    stopped: threading.Event = field(default_factory=threading.Event)


class UploadDesk:
    """The uploads of this process and their progress; `wake` runs the job."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._known: dict[str, Progress] = {}
        self.job = Job.of(NAME, TITLE, _EVERY_S, self._run)

    def of(self, username: str) -> Progress | None:
        """Return the newest upload of a user: a waiting one, or one that was just imported."""
        settings = self._context.settings
        with self._lock:
            for upload in reversed(uploads.waiting(settings)):
                if upload.by == username and uploads.is_complete(settings, upload):
                    return self._known.setdefault(upload.upload_id, Progress(upload))
            ended = [item for item in self._known.values() if item.upload.by == username]
            return next((item for item in reversed(ended) if item.stage == "imported"), None)

    def check_idle(self, username: str) -> None:
        """Raise `InputError` while a file of this user is being imported."""
        known = self.of(username)
        if known and known.stage == "importing":
            raise InputError("Another file is being imported.", "Wait for it, or cancel it.")

    def check(self, upload: Upload) -> None:
        """Start the dry run of a complete upload, replacing a running one."""
        with self._lock:
            if known := self._known.get(upload.upload_id):
                known.stopped.set()
            self._known[upload.upload_id] = Progress(upload)
            while len(self._known) > _KEPT_RESULTS:
                self._known.pop(next(iter(self._known)))
        self.job.due.set()

    def map_columns(self, upload: Upload, mapping: dict[str, str]) -> None:
        """Use *mapping* (field -> column), and start another dry run.

        Raises `InputError` while a file is imported, perhaps from another tab, and if it is gone.
        """
        self.check_idle(upload.by)
        self.check(uploads.set_mapping(self._context.settings, upload, mapping))

    def import_now(self, upload: Upload, *, quarantine: bool) -> None:
        """Import a checked upload; without *quarantine*, unreadable records are not stored.

        Raises `InputError` if it is not checked, or is being imported.
        """
        with self._lock:
            known = self._known.get(upload.upload_id)
            if known is None or known.stage != "checked":
                raise InputError("The file is not checked yet.", "Wait for the dry run.")
            self._known[upload.upload_id] = Progress(
                upload, "importing", columns=known.columns, quarantine=quarantine
            )
        self.job.due.set()

    def stop(self, upload: Upload) -> None:
        """Stop the dry run or the import; imported events stay, and the file is checked again."""
        with self._lock:
            if known := self._known.get(upload.upload_id):
                known.stopped.set()

    def discard(self, upload: Upload) -> None:
        """Forget the upload and remove its file."""
        self.stop(upload)
        with self._lock:
            self._known.pop(upload.upload_id, None)
        uploads.remove(self._context.settings, upload)

    def _run(self, _: Job) -> str:
        settings = self._context.settings
        removed = uploads.remove_old(settings, utc_now())
        done = 0
        while not self._context.stopping.is_set() and (progress := self._next()):
            if progress.stage == "checking":
                self._check(progress)
            else:
                self._import(progress)
            done += 1
        return f"{done} checked or imported, {removed} removed"

    def _next(self) -> Progress | None:
        settings = self._context.settings
        with self._lock:
            for upload in uploads.waiting(settings):
                if not uploads.is_complete(settings, upload):
                    continue
                known = self._known.setdefault(upload.upload_id, Progress(upload))
                if known.stage in ("checking", "importing"):
                    return known
        return None

    def _check(self, progress: Progress) -> None:
        settings, upload = self._context.settings, progress.upload
        path = uploads.path_of(settings, upload)
        with self._explained(progress):
            # A refused check leaves its mark, so that the next start refuses it too.
            uploads.begin_check(settings, upload)
            try:
                progress.columns = table_columns(settings, path, upload.mapping)
                if not (progress.columns and progress.columns.needed):
                    with self._compared() as store:
                        self._load(progress, store, dry_run=True)
            finally:
                uploads.end_check(settings, upload)
        self._end(progress, "checked")

    def _import(self, progress: Progress) -> None:
        settings, upload = self._context.settings, progress.upload
        with self._explained(progress):
            self._load(progress, self._context.real(), dry_run=False)
        if progress.stopped.is_set() or self._context.stopping.is_set():
            # The remaining records are counted by another dry run.
            self._end(progress, "checking")
        elif progress.error:
            self._end(progress, "checked")
        else:
            self._end(progress, "imported")
            uploads.remove(settings, upload)

    @contextmanager
    def _explained(self, progress: Progress) -> Iterator[None]:
        """Record errors of the block in *progress*, so that one file does not block others."""
        try:
            yield
        except TrailError as error:
            progress.error = str(error)
        except OSError:
            progress.error = "The uploaded file cannot be read."
        except Exception:
            error_id = secrets.token_hex(4)
            _log.exception("error %s with the uploaded file %s", error_id, progress.upload.name)
            progress.error = (
                f"Internal error {error_id} with this file: see the server log. Discard the file."
            )

    def _load(self, progress: Progress, store: Store, *, dry_run: bool) -> None:
        settings, upload = self._context.settings, progress.upload

        def report(share: float, batch: Batch) -> None:
            progress.share, progress.batch = share, batch
            if progress.stopped.is_set() or self._context.stopping.is_set():
                raise StoppedError("Stopped.")

        [batch] = load_files(
            store,
            settings,
            [uploads.path_of(settings, upload)],
            mapping=upload.mapping,
            dry_run=dry_run,
            quarantine=progress.quarantine,
            progress=report,
        )
        progress.batch, progress.error = batch, batch.error

    def _end(self, progress: Progress, stage: Stage) -> None:
        with self._lock:
            known = self._known.get(progress.upload.upload_id)
            if known is not progress:
                return
            if stage == "checking":
                self._known[progress.upload.upload_id] = Progress(progress.upload)
            else:
                progress.share, progress.stage = 1.0, stage

    @contextmanager
    def _compared(self) -> Iterator[Store]:
        """Yield the store to compare with: an empty one while there is no workspace yet."""
        if self._context.is_real():
            yield self._context.real()
            return
        with tempfile.TemporaryDirectory() as folder:
            store = Store.open(Path(folder) / "empty.duckdb", self._context.settings)
            try:
                yield store
            finally:
                store.close()
