"""Assignee, comments and mute: the latest counts, everything is kept."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.storage.duckdb import Store
from trail.triage import records

INCIDENT = records.subject("incident", "3f2a")
HOUR = dt.timedelta(hours=1)


def test_comments_of_a_subject_have_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_COMMENTS", 2)
    for number in range(2):
        records.comment(store, INCIDENT, f"Comment {number}", "jon")
    with pytest.raises(InputError, match="There are 2 comments already"):
        records.comment(store, INCIDENT, "One more", "jon")
    records.comment(store, "integrity", "Of another subject", "jon")


def test_latest_assignment_and_mute_count_and_comments_are_kept(store: Store) -> None:
    later = utc_now() + HOUR
    records.assign(store, INCIDENT, "jon", "maya")
    records.comment(store, INCIDENT, "  Key pair was rotated ", "jon")
    records.mute(store, INCIDENT, later, " until the release ", "jon")
    records.assign(store, INCIDENT, "", "maya")
    records.comment(store, INCIDENT, "Released", "maya")
    state = records.of(store, [INCIDENT, "integrity"])
    assert list(state) == [INCIDENT]
    found = state[INCIDENT]
    assert (found.assignee, found.mute_reason) == ("", "until the release")
    assert found.is_muted(later - HOUR / 2)
    assert not found.is_muted(later)
    assert [(one.text, one.made_by) for one in found.comments] == [
        ("Key pair was rotated", "jon"),
        ("Released", "maya"),
    ]
    records.mute(store, INCIDENT, None, "", "maya")
    assert not records.of(store, [INCIDENT])[INCIDENT].is_muted(utc_now())


_SUBJECTS = itertools.count()


@given(names=st.lists(st.sampled_from(["", "jon", "maya"]), min_size=1, max_size=6))
@profile(max_examples=30)
def test_the_latest_assignee_of_each_subject_counts(store: Store, names: list[str]) -> None:
    pair = [records.subject("finding", str(next(_SUBJECTS))) for _ in range(2)]  # of this example
    expected = {}
    for number, name in enumerate(names):
        subject = pair[number % 2]
        records.assign(store, subject, name, "maya")
        expected[subject] = name
    states = records.of(store, expected)
    assert {subject: state.assignee for subject, state in states.items()} == expected


@pytest.mark.parametrize("text", ["", "  ", "x" * (records.MAX_COMMENT_CHARS + 1)])
def test_empty_and_long_comments_are_refused(store: Store, text: str) -> None:
    with pytest.raises(InputError):
        records.comment(store, INCIDENT, text, "jon")
    assert records.of(store, [INCIDENT]) == {}


def test_a_mute_that_ends_in_the_past_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="past"):
        records.mute(store, INCIDENT, utc_now() - HOUR, "", "jon")
    with pytest.raises(InputError, match="too far away"):
        records.mute(store, INCIDENT, utc_now() + records.MAX_MUTE + HOUR, "", "jon")
