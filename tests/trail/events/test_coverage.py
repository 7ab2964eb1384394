"""Coverage: spans, gaps, unusual silence, days compared with their weekday, and delays."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests import fixed_clock
from tests.conftest import Load
from trail.core.settings import Settings
from trail.events import coverage
from trail.events.coverage import Span
from trail.storage.duckdb import Store

MONDAY = dt.datetime(2026, 11, 23)
HOUR = dt.timedelta(hours=1)


def hour(number: float) -> dt.datetime:
    return MONDAY + number * HOUR


def note(
    store: Store,
    start: float,
    end: float,
    source: str = "segment_api",
    state: str = "watched",
    detail: str = "",
) -> None:
    store.write(lambda cursor: coverage.note(cursor, source, state, hour(start), hour(end), detail))


def spans(store: Store, start: float, end: float) -> list[tuple[float, float, str]]:
    return [
        ((span.start - MONDAY) / HOUR, (span.end - MONDAY) / HOUR, span.state)
        for span in coverage.spans(store, hour(start), hour(end))
    ]


def test_coverage_is_unknown_without_records(store: Store) -> None:
    assert spans(store, 0, 5) == [(0, 5, "unknown")]
    assert spans(store, 5, 5) == []


def test_time_before_the_first_record_is_unknown_and_between_records_a_gap(store: Store) -> None:
    note(store, 2, 4)
    note(store, 5, 6)
    assert spans(store, 0, 8) == [
        (0, 2, "unknown"),
        (2, 4, "watched"),
        (4, 5, "gap"),
        (5, 6, "watched"),
        (6, 8, "gap"),
    ]


def test_the_time_since_the_last_poll_becomes_a_gap_after_the_grace_period(store: Store) -> None:
    note(store, 0, 1)
    assert spans(store, 0, 1.2) == [(0, 1, "watched"), (1, 1.2, "unknown")]
    assert spans(store, 0, 1.25) == [(0, 1, "watched"), (1, 1.25, "gap")]


def test_one_source_covers_the_gap_of_another(store: Store) -> None:
    note(store, 0, 2)
    note(store, 3, 4)
    note(store, 1, 3.5, source="webhook")
    assert spans(store, 0, 4) == [(0, 4, "watched")]
    assert coverage.gaps(store, "segment_api", hour(0), hour(5)) == [
        (hour(2), hour(3)),
        (hour(4), hour(5)),
    ]


def test_gaps_of_each_source_that_collected_in_the_window(store: Store) -> None:
    def gaps(start: float, end: float) -> dict[str, list[tuple[float, float]]]:
        return {
            source: [((first - MONDAY) / HOUR, (last - MONDAY) / HOUR) for first, last in spans]
            for source, spans in coverage.source_gaps(store, hour(start), hour(end)).items()
        }

    assert gaps(0, 9) == {}
    note(store, 1, 3)
    note(store, 4, 9)
    note(store, 2, 8, "webhook")
    note(store, 0, 1, "s3")
    note(store, 0, 9, "folder", "looked")
    note(store, 3, 4, state="failed")
    assert gaps(0, 9) == {"s3": [(1, 9)], "segment_api": [(3, 4)], "webhook": [(8, 9)]}
    assert gaps(2, 8.2) == {"segment_api": [(3, 4)]}
    assert gaps(20, 22) == {name: [(20, 22)] for name in ("s3", "segment_api", "webhook")}
    assert gaps(5, 5) == gaps(-2, 0) == {}


def test_a_failure_in_a_row_is_one_span_and_recorded_once_a_minute(store: Store) -> None:
    def fails(minutes: float, detail: str = "refused") -> None:
        at, reach = hour(minutes / 60), HOUR / 6
        store.write(lambda cursor: coverage.note_failure(cursor, "folder", at, reach, detail))

    def failed() -> list[tuple[float, float]]:
        rows = store.table(
            "select from_at, to_at from watches where state = 'failed' order by from_at, to_at"
        ).to_pylist()
        return [tuple((row[name] - MONDAY) * 60 / HOUR for name in row) for row in rows]

    for minutes in (0, 0.5, 0.9, 1, 1.5, 9):
        fails(minutes)
    assert failed() == [(0, 9)]
    fails(9.5, "closed")
    assert failed() == [(0, 9), (9.5, 9.5)]
    fails(20)
    assert failed()[-1] == (20, 20)
    note(store, 20.5 / 60, 20.6 / 60, "folder", "looked")
    fails(20.7)
    assert failed()[-1] == (20.7, 20.7)


def test_a_later_poll_closes_a_gap_and_merges_the_spans(store: Store) -> None:
    note(store, 0, 1)
    note(store, 4, 5)
    assert (1, 4, "gap") in spans(store, 0, 5)
    note(store, 0.5, 4.5)
    assert spans(store, 0, 5) == [(0, 5, "watched")]
    assert store.table("select count(*) n from watches")["n"][0].as_py() == 1


def test_failed_polls_do_not_count_as_coverage_and_adjacent_ones_are_merged(store: Store) -> None:
    note(store, 0, 1)
    note(store, 1, 2, state="failed", detail="refused")
    note(store, 2, 3, state="failed", detail="refused")
    note(store, 2, 3, state="failed", detail="another")
    assert spans(store, 0, 3) == [(0, 1, "watched"), (1, 3, "gap")]
    rows = store.table("select detail from watches where state = 'failed' order by detail")
    assert rows["detail"].to_pylist() == ["another", "refused"]


@profile(max_examples=12)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 9), st.sampled_from(["a", "b"])), max_size=8
    )
)
def test_spans_state_the_recorded_coverage_of_every_hour(
    tmp_path_factory: pytest.TempPathFactory, recorded: list[tuple[int, int, str]]
) -> None:
    store = Store.open(tmp_path_factory.mktemp("c") / "t.duckdb", Settings())
    try:
        for start, length, source in recorded:
            note(store, start, start + length, source)
        result = coverage.spans(store, hour(0), hour(45))
        for number in range(45):
            middle = hour(number + 0.5)
            (span,) = [item for item in result if item.start <= middle < item.end]
            watched = any(start <= number < start + length for start, length, _ in recorded)
            first = min((start for start, _, _ in recorded), default=99)
            expected = "watched" if watched else "gap" if number >= first else "unknown"
            assert span.state == expected
        assert result == _joined(result)
    finally:
        store.close()


def _joined(spans: list[Span]) -> list[Span]:
    return [
        span
        for span, after in zip(spans, [*spans[1:], None], strict=True)
        if after is None or span.state != after.state
    ]


# --- silence -----------------------------------------------------------------------------------


def weekly(load: Load, weeks: int, hours: range, per_hour: int = 5) -> None:
    """Load events at these hours of the last *weeks* Mondays."""
    lines = [
        json.dumps(
            {
                "id": f"e{week}-{at}-{number}",
                "type": "Source Modified",
                "timestamp": f"{(hour(at) - dt.timedelta(weeks=week)).isoformat()}Z",
                "actor": "users/a",
                "resourceId": f"r{number}",
                "resourceType": "source",
                "resourceName": "x",
            }
        )
        for week in range(weeks)
        for at in hours
        for number in range(per_hour)
    ]
    load("\n".join(lines).encode())


def test_known_until_the_newest_event_or_the_end_of_coverage(load: Load, store: Store) -> None:
    assert coverage.known_until(store, hour(9)) is None
    weekly(load, 1, range(3))
    assert coverage.known_until(store, hour(9)) == hour(2)
    assert coverage.known_until(store, hour(1.5)) == hour(1)
    note(store, 0, 1)
    note(store, 2, 6, state="failed")
    assert coverage.known_until(store, hour(9)) == hour(2)
    note(store, 3, 5)
    assert coverage.known_until(store, hour(9)) == hour(5)
    assert coverage.known_until(store, hour(4)) == hour(4)


def with_archive(settings: Settings) -> Settings:
    """Return settings that archive all but three days."""
    stored = settings.store.model_copy(update={"archive": True, "retention_days": 3})
    return settings.model_copy(update={"store": stored})


@pytest.mark.parametrize("archived", [False, True])
def test_a_silence_without_precedent_is_reported_with_the_usual_numbers(
    load: Load, store: Store, settings: Settings, archived: bool
) -> None:
    weekly(load, 6, range(12))
    if archived:
        now = hour(12).replace(tzinfo=dt.UTC)
        assert fixed_clock.retain(store, with_archive(settings), now).archived == 5 * 60
    # No events this Monday after 08:00.
    store.write(
        lambda cursor: (
            cursor.execute("delete from events where occurred_at > timestamp '2026-11-23 08:00:00'")
            and None
        )
    )
    store.write(
        lambda cursor: (
            cursor.execute("delete from cube where hour > timestamp '2026-11-23 08:00:00'") and None
        )
    )
    result = coverage.silence(store, hour(11))
    assert result == coverage.Silence(hour(8), 5, 15, 15)
    assert coverage.silence(store, hour(8.9)) is None


def test_known_until_the_newest_event_if_all_are_archived(
    load: Load, store: Store, settings: Settings
) -> None:
    weekly(load, 1, range(3))
    archiving = with_archive(settings)
    later = (MONDAY + dt.timedelta(days=9)).replace(tzinfo=dt.UTC)
    assert fixed_clock.retain(store, archiving, later).archived == 15
    assert coverage.known_until(store, hour(300)) == hour(2)
    folder = archiving.store.archive_path
    folder.rename(folder.with_name("away"))
    assert coverage.known_until(store, hour(301)) == hour(2), "by the hour"


def test_the_usual_silence_at_night_is_not_reported(load: Load, store: Store) -> None:
    weekly(load, 6, range(12))
    assert coverage.silence(store, hour(11 + 9)) is None


def test_silence_is_not_reported_without_enough_history(load: Load, store: Store) -> None:
    assert coverage.silence(store, hour(0)) is None
    weekly(load, 2, range(12))
    assert coverage.silence(store, hour(72)) is None


def test_days_are_compared_with_their_weekday(load: Load, store: Store) -> None:
    weekly(load, 6, range(12))
    days = coverage.days(store, hour(12), 8)
    assert [(day.day.day, day.events) for day in days][-1] == (23, 60)
    assert days[-1].usual == 60
    assert [day.events for day in days[1:-1]] == [0] * 6
    assert [day.usual for day in days[1:-1]] == [0] * 6


def test_lag_leaves_out_events_from_before_the_first_batch(load: Load, store: Store) -> None:
    weekly(load, 1, range(3))
    assert coverage.lag(store, hour(12)) == []
