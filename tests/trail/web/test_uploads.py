"""The routes of uploads: owners only, from the dashboard itself, in parts that fit."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from trail.core.settings import Settings
from trail.ingest import uploads as uploaded
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store
from trail.web import uploads
from trail.web.guard import Guard

HOST = "http://localhost:8501"


@pytest.fixture
def client(runtime: Runtime, store: Store, settings: Settings) -> Iterator[TestClient]:
    schedule = Schedule(settings, lambda: store, lambda: store)
    process.start(replace(runtime, store=store, settings=settings, schedule=schedule))
    app = Starlette(routes=uploads.ROUTES, middleware=[Middleware(Guard)])
    yield TestClient(app, base_url=HOST)
    schedule.close()


def test_a_file_arrives_in_parts(
    client: TestClient, settings: Settings, sign_in: Callable[[str], str]
) -> None:
    sign_in("maya")
    begun = client.post("/uploads", params={"name": "../a.csv", "size": 5})
    assert begun.status_code == 201
    address = f"/uploads/{begun.json()['id']}"
    assert client.post(f"{address}?offset=0", content=b"abc").json()["received"] == 3
    assert client.post(f"{address}?offset=x", content=b"de").status_code == 400
    assert client.post(f"{address}?offset=4", content=b"e").status_code == 400
    too_long = client.post(f"{address}?offset=3", content=bytes(uploaded.PART_BYTES + 1))
    assert too_long.status_code == 413
    assert client.post(f"{address}?offset=3", content=b"de").json() == {"received": 5, "size": 5}
    [upload] = uploaded.waiting(settings)
    assert uploaded.path_of(settings, upload).read_bytes() == b"abcde"
    assert (upload.name, upload.by) == ("a.csv", "maya")
    progress = process.current().schedule.uploads.of("maya")
    assert progress and progress.upload == upload
    assert client.post("/uploads?name=a&size=0").status_code == 400
    assert client.get("/uploads").status_code == 405


def test_others_and_other_sites_are_refused(
    client: TestClient, settings: Settings, sign_in: Callable[[str], str]
) -> None:
    for path in ("/uploads?name=a&size=1", f"/uploads/{'0' * 32}?offset=0"):
        client.cookies.clear()
        assert client.post(path).status_code == 401
        sign_in("jon")
        assert client.post(path).status_code == 403
        sign_in("maya")
        other = client.post(path, headers={"origin": "https://evil.example.com"})
        assert other.status_code == 403
    assert client.post(f"/uploads/{'0' * 32}?offset=0", content=b"a").status_code == 400
    assert not uploaded.folder_of(settings).exists()
