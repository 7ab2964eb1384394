"""What a job that fails reports."""

import errno
import os

import pytest

from trail.core.settings import Settings
from trail.runtime.job import Job
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "The disk is full."),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/x/a.parquet"), "a.parquet "),
        (ValueError("a secret"), "Internal error. See the server log."),
    ],
)
def test_a_failure_says_what_to_do(
    store: Store, settings: Settings, error: Exception, text: str
) -> None:
    def fail(job: Job) -> str:
        job.end()
        raise error

    job = Job.of("test", "Test", 1.0, fail, first_delay_s=0)
    Schedule(settings, lambda: store, lambda: store)._loop(job)
    assert job.health.error.startswith(text)
