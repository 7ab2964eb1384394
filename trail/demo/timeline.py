"""All events of one day in time order, before resources are chosen."""

import numpy as np

from trail.demo import failures, noise, people, tokens
from trail.demo.actions import NUMBER
from trail.demo.actors import FIRST_PERSON, FIRST_TOKEN
from trail.demo.amounts import Amounts
from trail.demo.batch import DAY_MS, FIRST_PLANTED, NO_GROUP, Batch, Planted, batch, in_time_order

_LATE = 100_000_000  # added to the groups of sessions that run past midnight


class Timeline:
    """The days of the window; call `events` once per day, in order."""

    def __init__(
        self, seed: int, crowd: people.Crowd, amounts: Amounts, planted: list[Planted]
    ) -> None:
        """Start the first day with late sessions of the last day, so that the total is exact."""
        self._seed, self._crowd, self._counts, self._planted = seed, crowd, amounts, planted
        self._late = self._sessions(len(amounts.people) - 1)[1]

    def _sessions(self, day: int) -> tuple[Batch, Batch]:
        """Return the sessions of a local day: before and after midnight UTC."""
        rng = np.random.default_rng([self._seed, day, 1])
        counts = self._counts
        work = people.sessions(self._crowd, day, int(counts.people[day]), FIRST_PERSON, rng)
        checks = people.sessions(self._crowd, day, int(counts.checks[day]), FIRST_PERSON, rng)
        checks = batch(checks.ms, checks.actor, NUMBER["Permission Check"])
        both = in_time_order([work, checks])
        late = both.ms >= DAY_MS
        after = both.select(late)
        groups = np.where(after.group == NO_GROUP, NO_GROUP, after.group + _LATE)
        return both.select(~late), batch(after.ms - DAY_MS, after.actor, after.act, groups)

    def events(self, day: int) -> Batch:
        """Return all events of one UTC day in time order."""
        early, late = self._sessions(day)
        parts, self._late = [early, self._late], late
        rng = np.random.default_rng([self._seed, day, 2])
        counts = self._counts
        for number, token in enumerate(tokens.TOKENS):
            count = int(counts.tokens[number, day])
            count += int(counts.polls[day]) if token.name == tokens.POLLER else 0
            if count:
                parts.append(tokens.runs(token, FIRST_TOKEN + number, count, rng))
        for action, per_day in counts.chatter.items():
            parts.append(noise.chatter(action, int(per_day[day]), rng))
        parts.append(failures.attempts(int(counts.failures[day]), rng))
        begin = day * DAY_MS
        today = [n for n, p in enumerate(self._planted) if begin <= p.ms < begin + DAY_MS]
        planted = [self._planted[n] for n in today]
        parts.append(
            batch(
                np.array([p.ms - begin for p in planted], dtype=np.int64),
                np.array([p.actor for p in planted], dtype=np.int64),
                np.array([p.act for p in planted], dtype=np.int64),
                np.array([FIRST_PLANTED - n for n in today], dtype=np.int64),
            )
        )
        return in_time_order(parts)
