"""Evidence packs over HTTP: permissions, the entry in the access log, verification."""

import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.segment_records import api_event, ndjson
from tests.server.conftest import PASSWORD, Running
from trail.evidence.period import ADDRESS
from trail.integrity import standalone_verifier
from trail.web.guard import COOKIE
from trail.web.schemas import PROBLEM

pytestmark = pytest.mark.server

WEEK = {"from": "2026-11-01", "to": "2026-11-08", "q": "shop"}


@pytest.fixture(scope="module")
def reviewer(server: Running) -> Iterator[httpx2.Client]:
    """Return a reviewer's client; the server has thirty events."""
    path = server.log.with_name("evidence.ndjson")
    path.write_bytes(ndjson(api_event(number) for number in range(30)))
    server.command("load", str(path))
    server.users.add("eva", "Eva Dahl", "", "reviewer", PASSWORD)
    with httpx2.Client(base_url=server.url, cookies={COOKIE: server.sign_in("eva")}) as client:
        yield client


def test_reviewer_downloads_a_valid_pack_and_it_is_logged(
    reviewer: httpx2.Client, server: Running, tmp_path: Path
) -> None:
    downloaded = reviewer.get(ADDRESS, params=WEEK)
    assert downloaded.status_code == 200
    assert downloaded.headers["content-type"] == "application/zip"
    name = 'attachment; filename="evidence_2026-11-01_2026-11-07_UTC.zip"'
    assert downloaded.headers["content-disposition"] == name
    assert reviewer.get(ADDRESS, params=WEEK).content == downloaded.content
    path = tmp_path / "evidence.zip"
    path.write_bytes(downloaded.content)
    verification = subprocess.run(
        [sys.executable, "-I", standalone_verifier.__file__, str(path)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert verification.returncode == 0, verification.stdout
    with zipfile.ZipFile(path) as archive:
        rows = archive.read("events.ndjson").count(b"\n")
    out = tmp_path / "command.zip"
    server.command("evidence", "--out", str(out), "--query", "from=2026-11-01&to=2026-11-08&q=shop")
    assert out.read_bytes() == downloaded.content

    log = csv.DictReader(io.StringIO(reviewer.get("/export.access.csv").text))
    entries = [row for row in log if row["kind"] == "evidence"]
    assert [row["username"] for row in entries] == ["command line", "eva", "eva"]
    for row in entries:
        assert (row["what"], row["file_format"]) == (ADDRESS, "zip")
        assert "from=2026-11-01T00%3A00%3A00Z" in row["detail"] and "q=shop" in row["detail"]
        assert (int(row["row_count"]), int(row["byte_count"])) == (rows, len(downloaded.content))
        assert row["digest"] == hashlib.sha256(downloaded.content).hexdigest()
    assert rows == 30


def test_managers_and_anonymous_requests_are_refused(
    server: Running, reviewer: httpx2.Client
) -> None:
    manager = {COOKIE: server.sign_in("jon")}
    for cookies, status in ((manager, 403), ({}, 401)):
        response = httpx2.get(f"{server.url}{ADDRESS}", cookies=cookies)
        assert response.status_code == status
        assert set(response.json()) == set(PROBLEM["required"])


@pytest.mark.parametrize(
    ("query", "message"),
    [("from=someday", "not understood"), ("x=1", "'x'")],
)
def test_unsupported_query_is_an_error(reviewer: httpx2.Client, query: str, message: str) -> None:
    response = reviewer.get(f"{ADDRESS}?{query}")
    assert response.status_code == 400
    assert message in response.json()["error"]
