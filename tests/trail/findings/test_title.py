"""The title of a finding: what was done, how often, when, and what was usual."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as few

from tests import detection
from tests.trail.findings.random_histories import DAYS, histories
from tests.trail.findings.test_properties import stored
from trail.core.settings import Settings
from trail.findings import queries
from trail.findings.detector import FIRST_DAY, ExampleEvent, daily, events, workdays
from trail.findings.model import Finding, Reason
from trail.findings.title import title
from trail.storage.duckdb import Store

OSLO = ZoneInfo("Europe/Oslo")
ANA = (
    *daily(workdays(0, 40), "users/ana", "Audience Modified", target="audience-1"),
    *daily(workdays(0, 40), "users/ben", "Audience Modified", target="audience-2"),
)


def title_of(
    store: Store, settings: Settings, *parts: tuple[ExampleEvent, ...], day: int, actor: str
) -> str:
    """Return the title of *actor*'s finding of *day*, as read at the end of that day in Oslo."""
    detection.load(store, settings, (event for part in parts for event in part))
    now = detection.end_of_day(day)
    (finding,) = [
        finding
        for finding in detection.findings(store, day)
        if finding.actor_id == actor and (finding.day - FIRST_DAY).days == day
    ]
    return queries.titles(store, [finding], OSLO, now, weekdays=True)[finding.finding_id]


@pytest.mark.parametrize(
    ("parts", "day", "actor", "expected"),
    [
        (
            (events(43, "16:20", "users/ana", "Audience CSV Downloaded", "list", times=14),),
            43, "users/ana",
            "users/ana downloaded 14 audience lists on Tuesday; no download on any of 30 earlier "
            "active days",
        ),
        (
            (events(43, "02:10", "users/ana", "Warehouses Disabled", "w-1"),),
            43, "users/ana",
            "users/ana disabled the warehouse The w-1 on Tuesday; had never disabled a warehouse "
            "in 30 earlier active days",
        ),
        (
            (
                events(43, "16:05", "users/ana", "Destination Filters Deleted", "f"),
                events(43, "16:41", "users/ana", "Integrations Created", "i"),
            ),
            43, "users/ana",
            "users/ana deleted the destination filter The f, then created the integration The i "
            "within 36 minutes on Tuesday; such a sequence never occurred in 30 earlier active "
            "days",
        ),
        (
            (
                *(events(43, f"16:0{minute}", "users/ana", "Destination Filters Modified", "f")
                  for minute in range(4)),
                events(43, "16:20", "users/ana", "Integrations Created", "i"),
            ),
            43, "users/ana",
            "users/ana changed the destination filter The f (4 times), then created the "
            "integration The i within 20 minutes on Tuesday; such a sequence never occurred in "
            "30 earlier active days",
        ),
        (
            (
                events(43, "16:05", "users/ana", "Integrations Created", "i"),
                events(43, "16:15", "users/ana", "Integrations Deleted", "i"),
            ),
            43, "users/ana",
            "users/ana created and deleted the integration The i within 10 minutes on Tuesday; "
            "such a sequence never occurred in 30 earlier active days",
        ),
        (
            (
                events(43, "16:05", "users/ana", "Subjects Added to Group", "g"),
                events(43, "16:15", "users/ana", "User Group Updated", "g"),
                events(43, "16:25", "users/ana", "User Added To User Group", "h"),
            ),
            43, "users/ana",
            "users/ana added members to the user group The g and changed it on Tuesday; two "
            "changes of one user or user group within 24 hours never occurred in 30 earlier active "
            "days",
        ),
        (
            (
                daily(workdays(0, 40), "users/ana", "Integrations Modified", target="i"),
                events(47, "23:30", "users/ana", "Integrations Modified", "i"),
            ),
            47, "users/ana",  # a Saturday in UTC, when it is Sunday in Oslo
            "users/ana changed the integration The i on Sunday; active on none of 12 earlier "
            "weekend days (UTC)",
        ),
        (
            (events(62, "12:00", "users/ana", "Integrations Modified", "i", times=3),),
            62, "users/ana",
            "users/ana changed 3 integrations on Sunday, after 23 days without activity",
        ),
        (
            (
                events(43, "09:05", "users/ben", "User Removed", "ana"),
                events(44, "11:24", "users/ana", "Audience CSV Downloaded", "list"),
            ),
            44, "users/ana",
            "users/ana downloaded the audience list The list on Wednesday, after being removed "
            "from the workspace on Tuesday at 11:05",
        ),
        (
            (
                *(daily(range(40), "tokens/sync", "Source Modified", time=f"{hour:02}:00",
                        target=f"s-{hour}") for hour in range(0, 24, 3)),
                events(40, "23:50", "users/ben", "Source Modified", "s-1"),
            ),
            40, "tokens/sync",
            "Token sync has been inactive since Friday 23:00; before, its longest pause overnight "
            "was 3 hours",
        ),
    ],
)  # fmt: skip
def test_title(
    parts: tuple[tuple[ExampleEvent, ...], ...],
    day: int,
    actor: str,
    expected: str,
    store: Store,
    settings: Settings,
) -> None:
    assert title_of(store, settings, ANA, *parts, day=day, actor=actor) == expected


def test_a_finding_of_an_earlier_version_keeps_its_text(store: Store) -> None:
    reasons = (Reason("old", 9, "first time"), Reason("older", 1, "second"))
    finding = Finding("f1", dt.date(2026, 11, 2), "users/ann", "user", 10, reasons)
    assert title(finding, "Ann", OSLO, None) == "Ann, Mon 2 Nov 2026: first time"
    empty = Finding("f1", dt.date(2026, 11, 2), "", "unknown", 10, ())
    assert title(empty, "", OSLO, None) == "An unknown actor, Mon 2 Nov 2026: unusual activity"


@few(max_examples=4, deadline=None)
@given(histories())
def test_every_title_and_reason_is_one_sentence_without_marks(history: list[ExampleEvent]) -> None:
    now = detection.end_of_day(DAYS)
    with stored(history) as store:
        every = detection.findings(store, DAYS)
        titles = queries.titles(store, every, OSLO, now)
        for finding in every:
            text = titles[finding.finding_id]
            assert re.search(r" (on|since|from) ", text), text
            weekend = re.sub(r" weekend days? \(UTC\)$", "", text)  # which are those of UTC
            assert not re.search(r"[⟨⟩\n]|  |UTC|None|\b1 \w+s\b(?! )", weekend), text
            for reason in finding.reasons:
                sentence = reason.sentence(OSLO, now)
                assert sentence.endswith(".") and not re.search(r"[⟨⟩\n]|  |None", sentence)
