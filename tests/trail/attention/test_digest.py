"""The figures of a digest equal a count by hand, and those of the pages that its lines link to."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW, Row
from trail.attention import digest_period, digest_text
from trail.attention.checked import checked
from trail.attention.digest import Digest, digest
from trail.attention.items import items
from trail.cli.main import main
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.events import counts, coverage, people
from trail.events.periods import Change
from trail.findings import queries as unusual
from trail.findings import reviews
from trail.incidents import queries as failures
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

ROWS = random_trail.random_rows(16, 400)
PAGE_NAMES = ("group", "incident", "finding", "who")
# In the weeks of 19 and 26 October a day has 25 hours in London and in New York.
WEEKS = ("2026-09-14", "2026-10-05", "2026-10-19", "2026-10-26", "2026-11-02")


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return random_trail.store_of(tmp_path_factory.mktemp("digest"), [row.raw for row in ROWS])


def made(trail: Store, week: str = "", day: str = "", tz: str = "UTC") -> Digest:
    period = digest_period.parse(week, day, tz, NOW)
    return digest(trail, Settings(), period, NOW, findings=True)


def dates(row: Row, tz: str) -> dt.date:
    return row.occurred_at.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(tz)).date()


@pytest.mark.parametrize("tz", ["UTC", "Europe/London", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("week", WEEKS)
def test_figures_equal_a_count_by_local_date(trail: Store, week: str, tz: str) -> None:
    result = made(trail, week, tz=tz)
    first = dt.date.fromisoformat(week)
    days = {first + dt.timedelta(days=number) for number in range(7)}
    inside = [row for row in ROWS if dates(row, tz) in days]
    changes = Counter(row.category for row in inside if row.changes == "yes")
    assert result.number("events") == len(inside)
    assert result.number("changes") == changes.total()
    for category, number in changes.items():
        assert result.number(f"changes:{category}") == number

    # What is not over is left out of the change.
    today = NOW.astimezone(ZoneInfo(tz)).date()
    complete = {day for day in days if day < today}
    weeks_before = {day - dt.timedelta(days=7) for day in complete}
    texts = {line.key: line.change for section in result.sections for line in section.lines}
    for name in ("", *changes):
        chosen = [row for row in ROWS if row.changes == "yes" and name in ("", row.category)]
        now, before = (
            sum(dates(row, tz) in period for row in chosen) for period in (complete, weeks_before)
        )
        expected = Change(now, before).text if complete else "–"
        assert texts[f"changes:{name}".removesuffix(":")] == expected

    known = [row for row in ROWS if row.actor_type in ("user", "token")]
    seen = {row.actor_id for row in known if dates(row, tz) in days}
    earlier = {row.actor_id for row in known if dates(row, tz) < first}
    assert result.number("active_actors") == len(seen)
    assert result.number("new_actors") == len(seen - earlier)
    assert result.number("dormant_actors") == len(earlier - seen)


@pytest.mark.parametrize("week", WEEKS)
def test_each_figure_is_that_of_the_page_it_links_to(trail: Store, week: str) -> None:
    result = made(trail, week, tz="Europe/London")
    checked = Counter[str]()
    for section in result.sections:
        for line in section.lines:
            if line.number is None or line.path.startswith("/admin"):
                continue
            address = urlsplit(line.path)
            pairs = parse_qsl(address.query)
            filter_ = Filter.parse([pair for pair in pairs if pair[0] not in PAGE_NAMES])
            shown = _shown(trail, address.path, filter_, line.key)
            assert shown == line.number, line
            checked[address.path] += 1
    assert checked.keys() >= {"/explore", "/failures", "/unusual", "/people"}


def _shown(trail: Store, page: str, filter_: Filter, key: str) -> int:
    """Return the figure *key* as *page* computes it."""
    if page == "/explore":
        return counts.count(trail, filter_, NOW)
    if page == "/failures":
        numbers = failures.summary(trail, filter_, NOW)
        return numbers.open if key == "open_incidents" else numbers.incidents
    if page == "/overview":
        return sum(item.count for item in items(trail, Settings(), NOW, findings=True))
    if page == "/unusual":
        queue = unusual.queue(trail, filter_, NOW).findings
        return sum(finding.state == reviews.OPEN for finding in queue)
    states = Counter(actor.state for actor in people.actor_activity(trail, filter_, NOW))
    active = states["active"] + states["new"]
    numbers_of = {"new_actors": states["new"], "dormant_actors": states["dormant"]}
    return numbers_of.get(key, active)


def test_without_findings_none_is_named(trail: Store) -> None:
    period = digest_period.parse("2026-10-26", "", "UTC", NOW)
    result = digest(trail, Settings(), period, NOW, findings=False)
    assert "findings" not in [section.key for section in result.sections]
    assert "/unusual" not in json.dumps(result.to_dict())


def test_a_running_week_says_so_and_compares_complete_days(trail: Store) -> None:
    result = made(trail, "2026-11-02")  # the Monday of NOW
    assert "This week is not over: figures until Mon 2 Nov 15:34." in _notices(result)
    assert _basis(result) == "Not compared: no complete day in this window yet."
    earlier = made(trail, "2026-10-26")
    assert _basis(earlier) == "Compared with the same weekdays a week earlier."
    day = made(trail, day="2026-10-30")
    assert day.title == "Daily digest: Fri 30 Oct 2026"
    assert _basis(day) == "Compared with the same weekday a week earlier."
    assert day.number("dormant_actors") is None


def test_a_week_without_events_has_no_zeros(store: Store) -> None:
    result = made(store, "2026-10-26")
    assert _notices(result)[0] == "No events were collected in this week."
    assert [section.key for section in result.sections] == ["attention", "integrity"]
    assert "No sealed days yet" in digest_text.plain(result)
    unknown = checked(store, Settings(), NOW).text(ZoneInfo("UTC"), NOW)
    assert unknown in digest_text.plain(result)


def test_a_gap_and_the_end_of_the_data_are_named(store: Store, tmp_path: Path) -> None:
    first = dt.datetime(2026, 10, 26)
    gap = (first + dt.timedelta(hours=26), first + dt.timedelta(hours=30))

    def watch(cursor: Cursor) -> None:
        end = gap[1] + dt.timedelta(days=2)
        coverage.note(cursor, "api", "watched", first - dt.timedelta(days=9), gap[0])
        coverage.note(cursor, "api", "watched", gap[1], end)

    store.write(watch)
    event = random_trail.event("e1", first + dt.timedelta(hours=31), "Source Created")
    random_trail.add(store, tmp_path, [event])
    notices = _notices(made(store, "2026-10-28", tz="Europe/Oslo"))
    assert "Not collected from Tue 27 Oct 03:00 to Tue 27 Oct 07:00." in notices
    assert "Not collected from Thu 29 Oct 07:00 to Mon 2 Nov 00:00." in notices
    random_trail.add(store, tmp_path, [random_trail.event("e2", "2026-11-02T06:34:56")])
    store.write(lambda cursor: cursor.execute("delete from watches"))
    assert _notices(made(store, "2026-11-02")) == [
        "This week is not over: figures until Mon 2 Nov 15:34.",
        "No data since Mon 2 Nov 06:34.",
    ]


def test_open_incidents_are_named_with_what_is_known(store: Store, tmp_path: Path) -> None:
    first = dt.datetime(2026, 10, 30, 9)
    audience = ("audience", "a1", "VIP *x*")
    failed = [
        random_trail.event(
            f"f{n}", first + n * dt.timedelta(hours=1), "Audience Run Failed", target=audience
        )
        for n in range(79)
    ]
    random_trail.add(store, tmp_path, failed)
    result = made(store, "2026-10-26")
    assert result.number("open_incidents") == 1
    (section,) = (part for part in result.sections if part.key == "incidents")
    line = section.lines[-1]
    assert line.text.startswith("Audience VIP *x*: 79 failed attempts since Fri 30 Oct 09:00")
    assert line.note.startswith("Failing hourly for 3 d 6 h")
    assert line.path.startswith("/failures?from=2026-10-26&to=2026-11-02&")


def _basis(result: Digest) -> str:
    return next(section.note for section in result.sections if section.key == "activity")


def _notices(result: Digest) -> list[str]:
    return [notice.text for notice in result.notices]


def test_the_command_prints_the_digest(
    trail: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    random_trail.store_of(tmp_path, [row.raw for row in ROWS]).close()
    monkeypatch.setenv("TRAIL_STORE__PATH", str(tmp_path / "trail.duckdb"))
    assert main(["digest", "--week", "2026-10-28", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    expected = made(trail, "2026-10-26").to_dict()
    past = ("activity", "incidents", "findings", "people")
    assert {part["key"]: part for part in printed["sections"] if part["key"] in past} == {
        part["key"]: part for part in expected["sections"] if part["key"] in past
    }
    assert main(["digest", "--week", "2026-10-28"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Weekly digest: Mon 26 Oct – Sun 1 Nov 2026 (UTC)\n")
    assert f"{expected['sections'][0]['lines'][0]['number']:>7,}  Changes" in text
    assert main(["digest", "--week", "yesterday"]) == 1


def test_periods_are_named_and_follow_each_other() -> None:
    week = digest_period.parse("2026-12-31", "", "Europe/Oslo", NOW)
    assert week.title == "Mon 28 Dec 2026 – Sun 3 Jan 2027"
    assert week.shifted(-1).title == "Mon 21 – Sun 27 Dec 2026"
    assert week.shifted(-1).shifted(1) == week
    assert digest_period.parse("", "", "UTC", NOW).title == "Mon 26 Oct – Sun 1 Nov 2026"
    late = dt.datetime(2026, 11, 1, 23, 30, tzinfo=dt.UTC)
    assert digest_period.current(late, "daily", "Europe/Oslo").first == dt.date(2026, 11, 2)
    assert digest_period.last_complete(late, "weekly", "Europe/Oslo").first == dt.date(2026, 10, 26)
    for week_text, day, tz in (
        ("2026-11-31", "", "UTC"),
        ("2026-11-30", "x", "UTC"),
        ("", "", "x"),
    ):
        with pytest.raises(InputError):
            digest_period.parse(week_text, day, tz, NOW)
