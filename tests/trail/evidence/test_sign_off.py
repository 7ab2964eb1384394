"""Sign-offs: which days and findings they cover, what is stored, and what changes after signing."""

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests import fixed_clock
from tests.segment_records import ndjson
from tests.trail.evidence.conftest import Check, files
from tests.trail.integrity.conftest import A_DAY, DAYS, NOW, event
from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.events import coverage
from trail.evidence import certificate, certificate_html, pack, sign_off
from trail.findings import queries, refresh, reviews, sign_offs
from trail.findings.sign_offs import Signoff
from trail.findings.signable_days import SignableDays
from trail.ingest.files import load_files
from trail.integrity import seal_status, verification
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

AWARE = NOW.replace(tzinfo=dt.UTC)
WEEK = "from=2026-11-01&to=2026-11-06"
OSLO = "from=2026-11-02&to=2026-11-05&tz=Europe/Oslo"
NOBODY: frozenset[str] = frozenset()
REASON = {
    "detector": "unfamiliar_action",
    "points": 9,
    "text": "first time",
    "facts": {},
    "actions": None,
    "since": None,
    "upto": None,
}
REASONS = json.dumps([REASON])


@dataclass
class Review:
    """A store of events on 1 to 5 November 2026, sealed, and the steps of a reviewer."""

    store: Store
    settings: Settings
    folder: Path
    loads: int = 0

    def load(self, *events: dict[str, object]) -> None:
        """Load events as a separate file."""
        self.loads += 1
        path = self.folder / f"load-{self.loads}.ndjson"
        path.write_bytes(ndjson(events))
        next(load_files(self.store, self.settings, [path]))

    def sql(self, statement: str) -> None:
        """Change the database."""
        self.store.write(lambda cursor: cursor.execute(statement) and None)

    def finding(self, name: str, day: int, month: int = 11, state: str = "done") -> None:
        """Add a finding of that day, as scoring does."""
        self.sql(
            f"insert into findings values ('{name}', '2026-{month}-{day}', 'users/{name}', "
            f"'user', 9, '{REASONS}', '{state}', 0, now())"
        )

    def decide(self, name: str, decision: str, note: str = "") -> None:
        """Decide on a finding as rita."""
        finding = queries.get(self.store, name)
        assert finding
        reviews.decide(self.store, [finding], decision, note, "rita", NOBODY)

    def sign(self, query: str = WEEK, reason: str = "", own_ids: frozenset[str] = NOBODY) -> int:
        """Sign off as lee."""
        filter_ = Filter.parse(query)
        return sign_off.sign(
            *(self.store, self.settings, filter_, AWARE, reason, "lee", own_ids, "Lee Park")
        )

    def signed(self, number: int = 1) -> Signoff:
        """Return a sign-off as it is now."""
        return sign_offs.require(self.store, number, AWARE)

    def sentence(self, query: str) -> str:
        """Return which days of *query* can be signed."""
        return sign_off.draft(self.store, self.settings, Filter.parse(query), AWARE).days.sentence()


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a sealed and scored trail."""
    folder = tmp_path_factory.mktemp("sealed")
    settings = Settings()
    store = Store.open(folder / "trail.duckdb", settings)
    made = Review(store, settings, folder)
    made.load(*(event(number, of) for of in DAYS for number in range(A_DAY)))
    assert fixed_clock.seal(store, settings, NOW) == 6  # 1 to 6 November
    refresh.refresh(store, AWARE)
    store.close()
    return folder


@pytest.fixture
def review(settings: Settings, sealed: Path, tmp_path: Path) -> Iterator[Review]:
    for path in sealed.glob("trail.*"):
        shutil.copy(path, tmp_path)
    store = Store.open(tmp_path / "trail.duckdb", settings)
    yield Review(store, settings, tmp_path)
    store.close()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (WEEK, "5 days can be signed: Sun 1 Nov to Thu 5 Nov 2026 (UTC)."),
        (
            "from=2026-11-05&to=2026-11-09",
            "2 days can be signed: Thu 5 Nov to Fri 6 Nov 2026 (UTC). Not included: Sat 7 Nov to "
            "Sun 8 Nov 2026: not closed yet (a day closes 24 hours after it ends in UTC).",
        ),
        # 1 November of Oslo begins on 31 October in UTC, which has no seal.
        (
            "from=2026-11-01&to=2026-11-03&tz=Europe/Oslo",
            "1 day can be signed: Mon 2 Nov 2026 (Europe/Oslo). Not included: Sun 1 Nov 2026: "
            "not sealed.",
        ),
        # 6 November of New York ends on the 7th in UTC.
        (
            "from=2026-11-06&to=2026-11-07&tz=America/New_York",
            "No day can be signed (America/New_York). Not included: Fri 6 Nov 2026: not closed "
            "yet (a day closes 24 hours after it ends in UTC).",
        ),
        (
            "from=2026-11-02T10:00&to=2026-11-04T23:59",
            "1 day can be signed: Tue 3 Nov 2026 (UTC). Not included: Mon 2 Nov 2026: only part "
            "of the day is in the period; Wed 4 Nov 2026: only part of the day is in the period.",
        ),
        ("", "No day can be signed (UTC). Not included: the period has no start."),
        (
            "from=0001-01-01&to=9999-12-31&tz=Pacific/Kiritimati",
            "5 days can be signed: Mon 2 Nov to Fri 6 Nov 2026 (Pacific/Kiritimati)",
        ),
        ("from=24h", "No day can be signed (UTC). Not included: Sat 7 Nov to Sun 8 Nov 2026"),
    ],
)
def test_whole_closed_and_sealed_days_can_be_signed(review: Review, query: str, text: str) -> None:
    assert review.sentence(query).startswith(text)


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Europe/Oslo", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Beirut"],
)
def test_days_of_a_zone_follow_each_other_without_gap(zone: str) -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(365)]
    windows = [SignableDays((day, day), (), ZoneInfo(zone)).window for day in days]
    assert all(one.end == two.start for one, two in pairwise(windows))
    lengths = {one.end - one.start for one in windows if one.start and one.end}
    assert (len(lengths) == 1) == (zone == "UTC")
    assert max(lengths) <= dt.timedelta(hours=25)


def test_problems_of_the_last_verification_are_stated(review: Review) -> None:
    review.sql("update events set raw = raw || ' ' where occurred_at = '2026-11-02'")
    seal_status.store_report(review.store, verification.verify(review.store, review.settings))
    review.sign(OSLO)
    (problem,) = review.signed().body["problems"]
    assert problem["day"] == "2026-11-02"
    stated = f"Verification had found a problem of UTC day 2026-11-02: {problem['text']}"
    assert stated in certificate.view(review.signed(), "")["late"]


def test_days_after_a_missing_seal_are_signed_separately(review: Review) -> None:
    review.sql("delete from seals where day = '2026-11-02'")
    assert review.sentence(WEEK) == (
        "3 days can be signed: Tue 3 Nov to Thu 5 Nov 2026 (UTC). Not included: Sun 1 Nov 2026: "
        "after or before days that cannot be signed; sign them separately; Mon 2 Nov 2026: not "
        "sealed."
    )


def test_the_running_day_is_never_signed(review: Review) -> None:
    review.sign("from=2026-11-04")
    signed = review.signed()
    assert signed.to_at == dt.datetime(2026, 11, 7)
    with pytest.raises(InputError, match="No day can be signed"):
        review.sign("from=2026-11-07")
    assert len(sign_offs.signoffs(review.store, AWARE)) == 1


@pytest.mark.parametrize(
    ("zone", "start"), [("UTC", 0), ("Europe/Oslo", -1), ("America/New_York", 5)]
)
def test_exactly_the_findings_of_the_signed_days(review: Review, zone: str, start: int) -> None:
    for day in (1, 2, 3, 4, 5):
        review.finding(f"f{day}", day)
    review.sign(f"from=2026-11-02&to=2026-11-04&tz={zone}")
    signed = review.signed()
    assert signed.from_at == dt.datetime(2026, 11, 2) + dt.timedelta(hours=start)
    assert [finding["finding_id"] for finding in signed.body["findings"]] == ["f2", "f3"]
    assert (signed.findings, signed.changes) == (2, ())


def test_undecided_findings_need_a_reason_and_own_activity_is_refused(review: Review) -> None:
    # The budget shows nothing in the first five days; a finding that was reopened counts.
    review.finding("ann", 2, state="open")
    assert review.sign() == 1
    assert "ann" in review.signed().body["not_shown"]
    review.decide("ann", "done")
    review.decide("ann", "open", "not yet")
    with pytest.raises(InputError, match="1 finding is undecided"):
        review.sign(reason=" ")
    assert review.sign(reason="On Monday") == 2
    assert (review.signed(2).undecided, review.signed(2).reason) == (1, "On Monday")
    with pytest.raises(InputError, match="all findings are your own activity"):
        review.sign(reason="On Monday", own_ids=frozenset({"users/ann"}))


def test_body_is_stored_once_under_its_digest(review: Review) -> None:
    review.finding("ann", 2, state="open")
    review.decide("ann", "done", "called her")
    day = dt.datetime(2026, 11, 1)
    spans = day, day + dt.timedelta(days=2)
    review.store.write(lambda cursor: coverage.note(cursor, "api", "watched", *spans))
    review.sign(f"{WEEK}&category=Source", "checked")
    signed = review.signed()
    (row,) = review.store.table("select * from signoff_bodies").to_pylist()
    assert hashlib.sha256(row["body"].encode()).hexdigest() == row["digest"] == signed.fingerprint
    body = signed.body
    assert json.loads(row["body"]) == body
    assert (body["number"], body["signed_by"], body["signer"]) == (1, "lee", "Lee Park")
    assert body["filter"]["narrowed"] is True
    assert [seal["day"] for seal in body["seals"]] == [f"2026-11-0{day}" for day in range(1, 6)]
    assert len(body["coverage"]["gaps"]) == 1
    # Of a finding without evidence of the category nothing is counted.
    assert body["findings"] == []
    review.sign(WEEK)
    (finding,) = review.signed(2).body["findings"]
    assert finding["sentence"] == "users/ann, Mon 2 Nov 2026: first time"
    (decision,) = finding["decisions"]
    assert (decision["decision"], decision["note"], decision["made_by"]) == (
        *("done", "called her", "rita"),
    )


def test_sign_reopen_and_sign_again(review: Review) -> None:
    review.finding("ann", 2, state="open")
    review.decide("ann", "done", "called her")
    review.sign()
    assert review.signed().state == "as signed"
    before = certificate.document(review.signed(), "")
    review.decide("ann", "open", "she called back")
    signed = review.signed()
    (change,) = signed.changes
    assert change.text == (
        "reopened: users/ann, Mon 2 Nov 2026: first time (reason: she called back)"
    )
    assert change.made_by == "rita" and change.made_at and change.made_at > signed.signed_at
    after = certificate.document(signed, "")
    assert after["decisions"] == before["decisions"]
    assert after["fingerprint"] == before["fingerprint"]

    review.decide("ann", "expected", "agreed")
    assert review.sign() == 2
    assert (review.signed(2).state, review.signed(2).signed_again) == ("as signed", None)
    assert [change.text.split(":")[0] for change in review.signed(1).changes] == [
        *("reopened", "decided as expected"),
    ]
    assert review.signed(1).signed_again == 2


def test_late_event_and_new_finding_after_signing(review: Review) -> None:
    review.sign(OSLO)
    review.load(event(900, 5))  # 18:30 on 23 November
    assert review.signed().changes == ()
    review.load(event(41, 3), event(42, 3))
    (change,) = review.signed().changes
    assert (change.text, change.made_by) == ("2 events arrived late", "batch 3, json")
    assert change.made_at
    review.finding("bo", 4)
    assert [change.text for change in review.signed().changes] == [
        *("2 events arrived late", "a new finding: users/bo, 2026-11-04"),
    ]
    review.finding("cy", 1)
    assert len(review.signed().changes) == 2


def test_events_removed_by_retention_after_signing(review: Review) -> None:
    review.sign()
    later = AWARE + dt.timedelta(days=87)
    fixed_clock.retain(review.store, review.settings, later, "maya")
    (change,) = review.signed().changes
    assert change.text == ("120 events removed (retention policy: events before 2026-11-05)")
    assert change.made_by == "maya"
    assert change.made_at


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("update events set raw = raw || ' ' where event_id = 'e1'", "events were edited"),
        (
            "delete from events where occurred_at < '2026-11-01 01:00'",
            "2 events missing",
        ),
        (
            "update decisions set note = 'fine'",
            "a recorded decision was altered or is missing",
        ),
        ("delete from decisions", "a recorded decision was altered or is missing"),
        ("update signoffs set undecided = 5", "the stored sign-off was altered"),
        ("update signoffs set reason = 'all fine'", "the stored sign-off was altered"),
        (
            "update signoff_bodies set body = replace(body, 'called', 'warned')",
            "the stored sign-off was altered",
        ),
        ("update signoff_bodies set signature = repeat('0', 128)", "the stored sign-off was"),
        ("update signoff_bodies set key = repeat('0', 64)", "the stored sign-off was altered"),
        ("delete from signoff_bodies", "the stored sign-off was altered, or its body is missing"),
    ],
)
def test_tampering_is_named(review: Review, statement: str, text: str) -> None:
    review.finding("ann", 2, state="open")
    review.decide("ann", "done", "called her")
    review.sign()
    assert review.signed().changes == ()
    first = review.store.table("select min(event_id) as id from events")["id"][0].as_py()
    review.sql(statement.replace("'e1'", f"'{first}'"))
    signed = review.signed()
    assert any(text in change.text for change in signed.changes)
    assert signed.state.startswith("changed after signing: ")
    page = certificate_html.page(signed, "")
    assert "Changed after signing" in page
    assert ("called her" in page) == (not text.startswith("the stored"))


def packed(review: Review, number: int) -> bytes:
    made = pack.prepare_signed(review.store, review.settings, number, AWARE)
    return b"".join(made.stream(Tally()))


def test_pack_and_certificate_agree_after_a_change(review: Review, check: Check) -> None:
    review.finding("ann", 2, state="open")
    review.decide("ann", "done", "called her")
    review.sign(OSLO)
    review.decide("ann", "open", "again")
    data = packed(review, 1)
    result = files(data)
    signed = review.signed()
    text = result["sign-off-1.json"]
    assert hashlib.sha256(text).hexdigest() == signed.fingerprint
    assert result["certificate.html"].decode() == certificate_html.page(signed, "")
    manifest = json.loads(result["manifest.json"])
    document = json.loads(json.dumps(certificate.document(signed, "")))
    assert manifest["sign_off"] == document
    assert manifest["findings"] == signed.body["findings"]
    assert manifest["coverage"] == signed.body["coverage"]
    assert manifest["filter"]["words"] == document["filter_words"]
    assert document["digest"] == f"sha256:{manifest['events']['digest']}"
    assert packed(review, 1) == data
    verified = check(data)
    assert verified.code == 0, verified.text
    with pytest.raises(InputError, match="no sign-off 9"):
        packed(review, 9)


def test_hostile_text_is_escaped_and_visible(review: Review) -> None:
    review.finding("ann", 2, state="open")
    note = "<script>alert(1)</script> \u202egnp.exe\x07\u2066 \u738b \U0001f469\u200d\U0001f4bb"
    review.decide("ann", "done", note)
    review.sign(reason='"><img src=x>')
    page = certificate_html.page(review.signed(), "<b>shop</b>")
    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;" in page
    assert "[U+202E]gnp.exe[U+0007][U+2066] \u738b \U0001f469\u200d\U0001f4bb" in page
