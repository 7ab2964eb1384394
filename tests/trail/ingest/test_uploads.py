"""Uploaded files on disk: names, parts, limits, and how long they stay."""

import datetime as dt
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.clock import utc_now
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.ingest import uploads

NOW = utc_now()


@pytest.fixture
def limited(settings: Settings) -> Settings:
    limits = settings.limits.model_copy(update={"upload_bytes": 1_048_576})
    return settings.model_copy(update={"limits": limits})


@given(name=st.text(max_size=300) | st.text(". /\\\t\u3000ab", max_size=8))
def test_a_safe_name_is_one_file_in_its_folder(name: str) -> None:
    safe = uploads.safe_name(name)
    assert Path(safe).name == safe and not safe.startswith(".")
    assert safe.isprintable() or " " in safe
    assert len(safe.encode()) <= 200
    assert uploads.safe_name(safe) == safe


def test_names_lose_their_path_and_keep_their_ending() -> None:
    assert uploads.safe_name("../../etc/passwd") == "passwd"
    assert uploads.safe_name(r"C:\fakepath\audit.csv") == "audit.csv"
    assert uploads.safe_name("..") == uploads.safe_name(". ..") == "upload"
    assert uploads.safe_name("x" * 300 + ".csv.gz").endswith("x.csv.gz")


def test_parts_are_joined_and_a_part_that_comes_again_is_not(limited: Settings) -> None:
    upload = uploads.begin(limited, "a.csv", 6, "maya", NOW)
    assert uploads.append(limited, upload, 0, b"abc") == (3, False)
    assert uploads.append(limited, upload, 0, b"abc") == (3, False)
    assert not uploads.is_complete(limited, upload)
    for offset, data in ((5, b"d"), (3, b"defg"), (2, b"cdef")):
        with pytest.raises(InputError):
            uploads.append(limited, upload, offset, data)
    assert uploads.append(limited, upload, 3, b"def") == (6, True)
    assert uploads.append(limited, upload, 3, b"def") == (6, False)
    assert uploads.is_complete(limited, upload)
    assert uploads.path_of(limited, upload).read_bytes() == b"abcdef"
    assert uploads.find(limited, upload.upload_id, "maya") == upload
    for unknown, by in ((upload.upload_id, "jon"), ("../x", "maya"), ("0" * 32, "maya")):
        with pytest.raises(InputError):
            uploads.find(limited, unknown, by)


@pytest.mark.parametrize("free", [0, 1, 2])
def test_a_part_that_did_not_fit_on_the_disk_can_be_repeated(limited: Settings, free: int) -> None:
    upload = uploads.begin(limited, "a.csv", 6, "maya", NOW)
    uploads.append(limited, upload, 0, b"abc")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 + free, hard))
    try:
        with pytest.raises(UnavailableError):
            uploads.append(limited, upload, 3, b"def")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert uploads.append(limited, upload, 3, b"def") == (6, True)
    assert uploads.path_of(limited, upload).read_bytes() == b"abcdef"


def test_a_mapping_does_not_bring_back_a_discarded_file(limited: Settings) -> None:
    upload = uploads.begin(limited, "a.csv", 6, "maya", NOW)
    other = uploads.begin(limited, "b.csv", 6, "rita", NOW)
    uploads.remove(limited, upload)
    with pytest.raises(InputError):
        uploads.set_mapping(limited, upload, {"type": "Action"})
    assert uploads.waiting(limited) == [other]


def test_the_disk_is_bounded(limited: Settings) -> None:
    for size in (0, 1_048_577):
        with pytest.raises(InputError):
            uploads.begin(limited, "a", size, "maya", NOW)
    first = uploads.begin(limited, "a", 1_048_576, "maya", NOW)
    uploads.begin(limited, "b", 1_048_576, "rita", NOW)
    with pytest.raises(UnavailableError):
        uploads.begin(limited, "c", 1, "kim", NOW)
    again = uploads.begin(limited, "d", 10, "maya", NOW)  # in place of the first
    assert not uploads.path_of(limited, first).exists()
    assert {item.upload_id for item in uploads.waiting(limited)} > {again.upload_id}


def test_old_and_forgotten_files_are_removed_with_their_folder(limited: Settings) -> None:
    old = uploads.begin(limited, "a", 1, "maya", NOW - dt.timedelta(hours=25))
    fresh = uploads.begin(limited, "b", 1, "rita", NOW)
    forgotten = uploads.folder_of(limited) / ("f" * 32)
    forgotten.mkdir()
    assert uploads.remove_old(limited, NOW) == 1
    assert uploads.waiting(limited) == [fresh]
    assert not uploads.path_of(limited, old).parent.exists() and not forgotten.exists()
    uploads.remove(limited, fresh)
    assert not uploads.folder_of(limited).exists()
