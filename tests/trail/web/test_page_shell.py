"""Streamlit's page: served with the server's address, its inline scripts allowed by hash."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.file_util import get_static_dir

from trail.web.page_shell import Page, PageShell

INDEX = Path(get_static_dir()) / "index.html"
PAGE = Page(INDEX)
HTML = {"accept": "text/html,*/*"}


def _same_length(_: Request) -> Response:
    return HTMLResponse("x" * len(PAGE.original))


@pytest.fixture
def client() -> TestClient:
    """Give a client of an app that answers Streamlit's page, compressed, and other pages."""
    routes = [
        Route("/explore", lambda _: FileResponse(INDEX)),
        Route("/other", _same_length),
        Route("/missing", lambda _: PlainTextResponse("no", 404)),
    ]
    shell = [Middleware(PageShell, page=PAGE), Middleware(GZipMiddleware)]
    return TestClient(Starlette(routes=routes, middleware=shell))


def test_every_inline_script_of_the_served_page_is_allowed_and_nothing_else() -> None:
    scripts = re.findall(rb"<script>(.*?)</script>", PAGE.body, re.DOTALL)
    assert len(scripts) == 2
    hashes = {base64.b64encode(hashlib.sha256(text).digest()).decode() for text in scripts}
    assert {f"'sha256-{text}'" for text in hashes} == set(PAGE.script_sources)
    assert b"BACKEND_BASE_URL" in scripts[0]  # before the module that reads it


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_the_page_is_served_as_changed(client: TestClient, encoding: str) -> None:
    headers = HTML | {"accept-encoding": encoding}
    first = client.get("/explore", headers=headers)
    assert first.content == PAGE.body
    # A browser must not keep the page of another version, whose scripts have other hashes.
    assert not {"etag", "last-modified"} & set(first.headers)
    again = client.get("/explore", headers=headers | {"if-modified-since": "Fri, 1 Jan 2100"})
    assert (again.status_code, again.content) == (200, PAGE.body)


def test_other_answers_stay_as_they_are(client: TestClient) -> None:
    with client:  # the lifespan of the app, too
        pass
    assert client.get("/other", headers=HTML).text == "x" * len(PAGE.original)
    assert client.get("/missing", headers=HTML).status_code == 404
    assert client.get("/explore", headers={"accept": "*/*"}).content == PAGE.original
