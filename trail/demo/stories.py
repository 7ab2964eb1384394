"""Incidents planted in the demo workspace for readers and detectors to find.

Fixed people, resources and times within the last seven days of the window, independent of the
number of other events.
"""

from collections.abc import Callable
from dataclasses import dataclass

from trail.demo.actions import NUMBER
from trail.demo.actors import SYSTEM
from trail.demo.batch import DAY_MS, Planted
from trail.demo.failures import BACKOFF_MINUTES
from trail.demo.stage import (
    CARELESS,
    DORMANT,
    EGRESS,
    LEAVER,
    OWNER,
    REMOVED,
    WEEKENDER,
    Stage,
    audiences,
    checkout,
)

STRAYING_TOKEN = "nightly-export"  # noqa: S105 - a name
STORM_SIZE = 40
DOWNLOADS = 14
_MINUTE = 60_000
_SATURDAY = 5

Plant = Callable[[Stage], list[Planted]]


@dataclass(frozen=True, slots=True)
class Story:
    """One planted incident: its name, a one-sentence summary, and its function."""

    name: str
    sentence: str
    plant: Plant


STORIES: list[Story] = []


def _story(name: str, sentence: str) -> Callable[[Plant], Plant]:
    """Add the decorated function to `STORIES`."""

    def add(plant: Plant) -> Plant:
        STORIES.append(Story(name, sentence, plant))
        return plant

    return add


@_story(
    "dormant-return",
    "Ingrid Solheim, away for weeks, disables Snowflake prod at night and deletes one of its "
    "credentials and two destination filters.",
)
def dormant_return(s: Stage) -> list[Planted]:
    warehouse = s.world.pin("warehouse", "Snowflake prod")
    key = s.world.pin("warehouse_credential", "Snowflake prod loader key")
    filters = [
        s.world.pin("destination_filter", name)
        for name in ('Drop "Payment Info Entered" ', "Strip e-mail → Braze")
    ]
    who, off, gone = s.people[DORMANT], NUMBER["Warehouses Disabled"], "Destination Filters Deleted"
    return [
        Planted(s.at(3, 1, 14), who, off, warehouse),
        Planted(s.at(3, 1, 19), who, NUMBER["Warehouse Credential Deleted"], key),
        Planted(s.at(3, 1, 26), who, NUMBER[gone], filters[0]),
        Planted(s.at(3, 1, 27.5), who, NUMBER[gone], filters[1]),
        Planted(s.at(3, 7, 42), s.people[CARELESS], NUMBER["Warehouses Enabled"], warehouse),
    ]


@_story(
    "token-strays",
    "The token nightly-export, which only starts audience runs, adds a subject to the owners' "
    "group, creates a webhook and changes a source's settings.",
)
def token_strays(s: Stage) -> list[Planted]:
    group = s.world.reserve("user_group", "Workspace owners")  # reserved: no other event uses it
    created = s.world.reserve("integration", "Webhooks – backup")
    return [
        Planted(s.at(2, 3, 10), s.token, NUMBER["Subjects Added to Group"], group),
        Planted(s.at(2, 3, 12), s.token, NUMBER["Integrations Created"], created),
        Planted(s.at(2, 3, 13), s.token, NUMBER["Source Settings Modified"], checkout(s)),
    ]


@_story(
    "filter-then-egress",
    "Marcus Oyelaran deletes a consent filter and adds a webhook destination 36 minutes later.",
)
def filter_then_egress(s: Stage) -> list[Planted]:
    guard = s.world.pin("destination_filter", "Only consented → Amplitude")
    made = s.world.reserve("integration", "Webhooks – analytics mirror")
    who = s.people[EGRESS]
    deleted, created = NUMBER["Destination Filters Deleted"], NUMBER["Integrations Created"]
    return [
        Planted(s.at(5, 16, 5, workday=True), who, deleted, guard),
        Planted(s.at(5, 16, 41, workday=True), who, created, made),
    ]


@_story(
    "leaving-downloads",
    "Tomasz Wrona, a contractor about to leave, downloads fourteen audiences in 25 minutes.",
)
def leaving_downloads(s: Stage) -> list[Planted]:
    act = NUMBER["Audience CSV Downloaded"]
    burst = [
        Planted(s.at(4, 16, 20 + 1.7 * n, workday=True), s.people[LEAVER], act, audience)
        for n, audience in enumerate(audiences(s, DOWNLOADS))
    ]
    removed = NUMBER["User Removed"]
    end = Planted(s.at(1, 9, 15), s.people[OWNER], removed, s.accounts[LEAVER])
    return [*burst, end]


@_story(
    "warehouse-breaks",
    "BigQuery marketing fails every attempt of every run from 12 minutes after Hannah Decker "
    "edited it, and still does.",
)
def warehouse_breaks(s: Stage) -> list[Planted]:
    warehouse = s.world.pin("warehouse", "BigQuery marketing")
    edited = s.at(2, 9, 48, workday=True)
    story = [Planted(edited, s.people[CARELESS], NUMBER["Warehouses Modified"], warehouse)]
    every_hours = 3 if s.events >= 10_000 else 6
    for run in range(edited + 12 * _MINUTE, s.all_days * DAY_MS, every_hours * 60 * _MINUTE):
        for wait in BACKOFF_MINUTES:
            at = int(run + wait * _MINUTE)
            if at < s.all_days * DAY_MS:
                story.append(Planted(at, SYSTEM, NUMBER["Warehouse Run Failed"], warehouse))
    return story


@_story(
    "sync-storm",
    "Forty audiences fail to sync within nine minutes, once.",
)
def sync_storm(s: Stage) -> list[Planted]:
    act = NUMBER["Audience Destination Sync Failed"]
    return [
        Planted(s.at(6, 13, 2 + 0.22 * n), SYSTEM, act, audience)
        for n, audience in enumerate(audiences(s, STORM_SIZE))
    ]


@_story(
    "removed-acts",
    "Priya Raman is removed from the workspace and then edits and downloads an audience.",
)
def removed_acts(s: Stage) -> list[Planted]:
    who, audience = s.people[REMOVED], s.world.pin("audience", 'VIP "do not export"')
    removed = NUMBER["User Removed"]
    return [
        Planted(s.at(5, 9, 5, workday=True), s.people[OWNER], removed, s.accounts[REMOVED]),
        Planted(s.at(4, 11, 20, workday=True), who, NUMBER["Audience Modified"], audience),
        Planted(s.at(4, 11, 24, workday=True), who, NUMBER["Audience CSV Downloaded"], audience),
    ]


@_story(
    "weekend-disconnect",
    "Luca Ferri disconnects the production source Web checkout v4 from its tracking plan on a "
    "Saturday.",
)
def weekend_disconnect(s: Stage) -> list[Planted]:
    back = (s.last_weekday - _SATURDAY) % 7 + 1
    act = NUMBER["Source Disconnected From Tracking Plan"]
    return [Planted(s.at(back, 15, 32), s.people[WEEKENDER], act, checkout(s))]
