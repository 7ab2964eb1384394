"""Generate the demo workspace, one day at a time, and write it to a file.

Each day is drawn from its own seeded generator, so memory holds one day and the same seed and
window give the same bytes.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np

from trail.core.errors import InputError
from trail.demo import amounts, people, stage, stories, tokens, turnover
from trail.demo.actions import DELETE, FIRST, MODIFY
from trail.demo.actors import FIRST_PERSON, FIRST_TOKEN, SYSTEM_ACTOR, token, user
from trail.demo.batch import DAY_MS, FIRST_PAIR, FIRST_PLANTED, FIRST_RUN, Planted
from trail.demo.ids import ksuids, sibling
from trail.demo.resources import World
from trail.demo.thing import Resource
from trail.demo.timeline import Timeline
from trail.demo.writer import FORWARDED_ONLY, Writer

API_SHARE = 0.3  # of all lines; the rest are forwarded calls
_FOLLOW_UP_CHANCE = 0.45  # chance that a person's next event is another change of the same thing
_MAX_DAYS = 3650  # days, the maximum retention
_SAME_CHANNEL_MS = 5_000


def write(
    out: Path,
    events: int = 20_000,
    days: int = 90,
    seed: int = 1,
    end: datetime | None = None,
    progress: Callable[[int], None] | None = None,
    more_days: int = 0,
) -> None:
    """Write exactly *events* records of a demo workspace to *out* as NDJSON, oldest first.

    The window is the *days* days before *end*, which is cut to midnight UTC (without a zone it is
    taken as UTC) and defaults to now. The same seed and *end* give the same bytes. Stories are
    planted whole, up to half of the lines. *progress* is called after each day with the number of
    lines written. With *more_days*, as many days follow *end* at the same pace, in addition to
    *events*. Raises InputError for invalid numbers and OSError if *out* cannot be written.
    """
    if events < 0 or not 1 <= days <= _MAX_DAYS or seed < 0:
        raise InputError(
            f"Cannot generate {events} demo events over {days} days with seed {seed}.",
            f"Allowed: 0 or more events, 1 to {_MAX_DAYS} days, a seed of 0 or more.",
        )
    end = datetime.now(UTC) if end is None else end
    end = end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    workspace = Workspace(events, days, seed, end.date() - timedelta(days=days), more_days)
    written = 0
    with out.open("w", encoding="utf-8", newline="\n") as file:
        for day in range(days + more_days):
            lines = workspace.lines(day)
            file.writelines(lines)
            written += len(lines)
            if progress is not None:
                progress(written)


class Workspace:
    """A generated workspace; call `lines` once per day, in order."""

    def __init__(self, events: int, days: int, seed: int, start: date, more_days: int = 0) -> None:
        """Create the resources and schedule all events; targets are chosen in `lines`.

        The stories end with *days*; ordinary life goes on for *more_days*.
        """
        self._seed, self._days, self._start = seed, days, start
        all_days = days + more_days
        rng = np.random.default_rng([seed, days])
        size = amounts.size(events)
        staff = people.staff(stage.CAST, amounts.headcount(events), all_days, seed)
        midnight = datetime.combine(start, time(), UTC).timestamp()
        id_count = sum(World.counts(size).values()) + 4 * len(staff) + 100
        created_at = midnight - rng.uniform(5, 900, id_count) * 86_400
        self._world = World(seed, size, ksuids(rng, created_at), int(midnight) - 200 * 86_400)
        self._midnight = int(midnight)
        crowd = people.crowd(staff, start, all_days, rng)
        for row, first_day_away in stage.absences(days):
            crowd.weights[row, first_day_away:] = 0.0
        self._planted = self._plant(staff, events, all_days)
        stories = sum(planted.ms < days * DAY_MS for planted in self._planted)
        ordinary = round((events - stories) * all_days / days)
        counts = amounts.split(ordinary, crowd.weights, start, rng)
        events = ordinary + len(self._planted)
        forwarded_only = int(counts.checks.sum() + counts.chatter["New Event Allowed"].sum())
        self._api_chance = API_SHARE * events / max(1, events - forwarded_only)
        self._actors = [SYSTEM_ACTOR, *(token(t.id) for t in tokens.TOKENS)]
        self._actors += [user(person.id, person.email) for person in staff]
        # Position of each actor among the resources, and the range of their work.
        self._positions = np.concatenate(([0.0], rng.random(len(self._actors) - 1))).tolist()
        self._widths = [1.0] * FIRST_PERSON + rng.uniform(0.1, 0.5, len(staff)).tolist()
        self._timeline = Timeline(seed, crowd, counts, self._planted)

    def _plant(self, staff: list[people.Person], events: int, all_days: int) -> list[Planted]:
        """Return the planted events: only whole groups, and at most half of all lines."""
        rows = range(len(stage.CAST))
        numbers = tuple(FIRST_PERSON + row for row in rows)
        names = [token.name for token in tokens.TOKENS]
        story_stage = stage.Stage(
            world=self._world,
            days=self._days,
            all_days=all_days,
            last_weekday=(self._start + timedelta(days=self._days - 1)).weekday(),
            events=events,
            people=numbers,
            accounts=tuple(
                self._world.pin("user", staff[row].email, staff[row].id) for row in rows
            ),
            token=FIRST_TOKEN + names.index(stories.STRAYING_TOKEN),
        )
        owner = numbers[stage.OWNER]
        planted: list[Planted] = []
        for group in (
            *(story.plant(story_stage) for story in stories.STORIES),
            *turnover.plan(self._world, staff, FIRST_PERSON, owner, all_days),
        ):
            here = sum(item.ms < self._days * DAY_MS for item in (*planted, *group))
            if here <= events // 2:
                planted += group
        return planted

    def lines(self, day: int) -> list[str]:
        """Return the lines of one day."""
        events = self._timeline.events(day)
        count = len(events.ms)
        rng = np.random.default_rng([self._seed, day, 3])
        second = self._midnight + day * 86_400
        ids = ksuids(rng, second + events.ms / 1000)
        target_draws, follow_draws, channel_draws = rng.random((3, count)).tolist()
        delays_ms = np.clip(rng.lognormal(4, 0.8, count), 9, 25_000).astype(np.int64).tolist()
        writer = Writer(self._start + timedelta(days=day))
        latest: dict[int, tuple[int, Resource]] = {}
        channels: dict[tuple[int, int, str], tuple[int, bool]] = {}
        lines: list[str] = []
        for ms, number, act, group, ksuid, target_draw, follow_draw, channel_draw, delay_ms in zip(
            *(c.tolist() for c in (events.ms, events.actor, events.act, events.group)),
            ids, target_draws, follow_draws, channel_draws, delays_ms, strict=True,
        ):  # fmt: skip
            act, target = self._target(
                number, act, group, target_draw, follow_draw, ksuid, second + ms // 1000, latest
            )
            if group >= 0:
                latest[group] = act, target
            actor = self._actors[number]
            if act in FORWARDED_ONLY:
                by_api = False
            else:
                by_api = channel_draw < self._api_chance
                # One channel per action: equal events within seconds must not look like duplicates.
                key = (number, act, target.id)
                before = channels.get(key)
                if before and ms - before[0] < _SAME_CHANNEL_MS:
                    by_api = before[1]
                channels[key] = (ms, by_api)
            if by_api:
                lines.append(writer.api(ms, act, actor, target, ksuid))
            else:
                lines.append(writer.forwarded(ms, act, actor, target, ksuid, delay_ms, follow_draw))
        return lines

    def _target(
        self,
        number: int,
        act: int,
        group: int,
        target_draw: float,
        follow_draw: float,
        ksuid: str,
        second: int,
        latest: dict[int, tuple[int, Resource]],
    ) -> tuple[int, Resource]:
        """Return the action performed and its target, given the earlier events of the group."""
        if group <= FIRST_PLANTED:
            planted = self._planted[FIRST_PLANTED - group]
            self._world.do(act, planted.target)
            return act, planted.target
        if group >= 0 and group in latest:
            earlier, target_before = latest[group]
            if target_before.alive:
                if group >= FIRST_PAIR:
                    if not target_before.children:
                        self._world.remove(target_before)
                        return FIRST[target_before.kind, DELETE], target_before
                elif group >= FIRST_RUN:
                    return earlier, target_before
                elif follow_draw < _FOLLOW_UP_CHANCE and (target_before.kind, MODIFY) in FIRST:
                    return FIRST[target_before.kind, MODIFY], target_before
        return self._world.act(
            act, self._positions[number], self._widths[number], target_draw, sibling(ksuid), second
        )
