"""A signed period over HTTP: page, certificates and evidence pack agree, whatever the window."""

import datetime as dt
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pypdf import PdfReader

from tests.segment_records import api_event, ndjson
from tests.server.conftest import PASSWORD, Running
from trail import demo
from trail.evidence import certificate, period
from trail.integrity import standalone_verifier
from trail.web.guard import COOKIE

pytestmark = pytest.mark.server

ZONE = "tz=Europe/Oslo"
SIGNED = "section=signed"


class Reviewer:
    """A reviewer with a browser tab and a client."""

    def __init__(self, server: Running) -> None:
        server.users.add("rita", "Rita Moe", "", "reviewer", PASSWORD)
        self._server, self._sid = server, server.sign_in("rita")
        self.client = httpx2.Client(base_url=server.url, cookies={COOKIE: self._sid})

    def page(self, query: str, press: str = "", typed: str = "", text: str = "") -> str:
        """Return the texts of Unusual, after *text* was typed into the field *typed*."""
        with self._server.tab(sid=self._sid) as tab:
            shown = tab.run(page="unusual", query=query)
            if press:
                shown = tab.run(page="unusual", query=query, typed={typed: text}, press=press)
            return shown

    def documents(self, number: int) -> dict[str, bytes]:
        """Return the certificates and the pack of a sign-off."""
        found = {}
        for kind in ("html", "pdf", "json"):
            response = self.client.get(f"{certificate.ADDRESS}.{kind}?sign_off={number}")
            assert response.status_code == 200, response.text
            name = f'attachment; filename="sign-off-{number}.{kind}"'
            assert response.headers["content-disposition"] == name
            found[kind] = response.content
        response = self.client.get(period.address_of_signed(number))
        assert response.status_code == 200, response.text
        return {**found, "zip": response.content}


def words(text: str) -> str:
    return " ".join(text.split())


def check_agreement(reviewer: Reviewer, number: int, folder: Path) -> dict[str, Any]:
    """Check that all documents of a sign-off state the same; return its JSON."""
    documents = reviewer.documents(number)
    stated: dict[str, Any] = json.loads(documents["json"])
    with zipfile.ZipFile(io.BytesIO(documents["zip"])) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        signed = archive.read(f"sign-off-{number}.json")
        assert archive.read("certificate.html") == documents["html"]
    assert manifest["sign_off"] == stated
    assert hashlib.sha256(signed).hexdigest() == stated["fingerprint"]
    assert manifest["findings"] == json.loads(signed)["findings"]
    assert manifest["filter"]["words"] == stated["filter_words"]
    path = folder / f"{number}.zip"
    path.write_bytes(documents["zip"])
    done = subprocess.run(
        [sys.executable, "-I", standalone_verifier.__file__, str(path)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    printed = words(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(documents["pdf"])).pages)
    )
    html = documents["html"].decode()
    shown = [reviewer.page(f"{window}&{SIGNED}") for window in ("from=2d", f"from=30d&{ZONE}")]
    changes = len(stated["changes"])
    for text in (printed, html, *shown):
        assert ("Changed after signing" in text) == bool(changes)
        assert ("Unchanged since signing" in text) == (not changes)
        assert f"Sign-off {number}" in text
        for change in stated["changes"]:
            assert change["made_by"] in text
    fingerprint = re.sub("(.{4})(?!$)", r"\1 ", stated["fingerprint"])
    assert fingerprint in printed and fingerprint in html
    for decision in stated["decisions"]:
        for text in (printed, html):
            assert f"by {decision['made_by']}" in text and decision["note"] in text
    events = f"{stated['events']:,}"
    assert events in printed and events in html
    assert all(f"{events} events" in text for text in shown)
    return stated


@pytest.fixture
def server(start_server: Callable[..., Running], tmp_path: Path) -> Running:
    """Return a server of its own, with twenty days of sealed events."""
    running = start_server()
    demo.write(tmp_path / "demo.ndjson", 1_500, 20, 1)
    running.command("load", str(tmp_path / "demo.ndjson"))
    running.command("seal")
    return running


@pytest.fixture
def reviewer(server: Running) -> Iterator[Reviewer]:
    made = Reviewer(server)
    with made.client:
        yield made


def test_sign_reopen_and_sign_again(server: Running, reviewer: Reviewer, tmp_path: Path) -> None:
    window = f"from=12d&{ZONE}"
    form = reviewer.page(f"{window}&{SIGNED}")
    assert re.search(r"\d+ days can be signed: .* \(Europe/Oslo\)\. Not included: ", form)
    field = "Reason for signing off with undecided findings"
    done = reviewer.page(f"{window}&{SIGNED}", "Sign off", field, "Open ones on Monday")
    assert "off 1 recorded" in done
    first = check_agreement(reviewer, 1, tmp_path)
    assert (first["state"], first["reason"]) == ("as signed", "Open ones on Monday")
    assert first["zone"] == "Europe/Oslo"

    with zipfile.ZipFile(io.BytesIO(reviewer.documents(1)["zip"])) as archive:
        finding = json.loads(archive.read("manifest.json"))["findings"][0]["finding_id"]
    note = "Reason, recorded with the decision"
    for button in ("Done", "Reopen"):
        reviewer.page(f"from=30d&finding={finding}", button, note, f"{button} by a test")
    late = dt.datetime.fromisoformat(first["from"]) + dt.timedelta(hours=30)
    (tmp_path / "late.ndjson").write_bytes(ndjson([api_event(timestamp=late.isoformat())]))
    server.command("load", str(tmp_path / "late.ndjson"))
    changed = check_agreement(reviewer, 1, tmp_path)
    assert changed["decisions"] == first["decisions"]
    assert changed["events"] == first["events"]
    texts = [change["text"].split(":")[0] for change in changed["changes"]]
    assert texts[:2] == ["decided as done", "reopened"]
    assert "1 event arrived late" in texts
    assert [change["made_by"] for change in changed["changes"]][:2] == ["rita", "rita"]

    again = reviewer.page(f"{window}&{SIGNED}", "Sign off", field, "Known")
    assert "off 2 recorded" in again
    number = 2
    documents = reviewer.documents(number)
    second = json.loads(documents["json"])
    assert (second["state"], second["events"]) == ("as signed", first["events"] + 1)
    assert [row["decision"] for row in second["decisions"]] == ["done", "open"]
    assert (second["from"], second["to"]) == (first["from"], first["to"])
    assert "Signed again as sign-off 2." in reviewer.documents(1)["html"].decode()

    out = tmp_path / "command.zip"
    server.command("evidence", "--out", str(out), "--sign-off", "1")
    assert out.read_bytes() == reviewer.documents(1)["zip"]

    log = reviewer.client.get("/export.access.csv").text
    assert re.search(r",certificate,rita,reviewer,.*/export\.certificate\.pdf,sign-off 1,pdf", log)
    for query in ("sign_off=99", "sign_off=x", "", "sign_off=-1", "sign_off=9999999999999999999"):
        assert reviewer.client.get(f"{certificate.ADDRESS}.pdf?{query}").status_code == 400
    assert reviewer.client.get(f"{period.ADDRESS}?sign_off=1&from=7d").status_code == 400
    manager = {COOKIE: server.sign_in("jon")}
    for kind in ("pdf", "html", "json"):
        url = f"{server.url}{certificate.ADDRESS}.{kind}?sign_off=1"
        assert httpx2.get(url, cookies=manager).status_code == 403
        assert httpx2.get(url).status_code == 401
