"""Alert rules about a state of this product: a source or delivery that fails, and integrity.

A rule sends one message when a problem begins and one when it has ended, however often it is
evaluated in between. The problems are those that the caller found.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trail.notifications import evaluate, rule_store
from trail.notifications.rate_limit import Match, RateLimitState
from trail.notifications.rule import STATE_KINDS, Rule
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.inside import Inside


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: `subject` names it, `text` says what began, `ended` what has ended.

    The beginning of a `muted` one is not reported.
    """

    subject: str
    text: str
    ended: str
    muted: bool = False


Problems = Mapping[str, Sequence[Problem]]


def kinds_in_use(engine: Engine) -> frozenset[str]:
    """Return the kinds among `STATE_KINDS` that an active rule has."""
    kinds = {rule.kind for rule in rule_store.list_all(engine) if rule.active}
    return frozenset(kinds & set(STATE_KINDS))


def run(store: Store, problems: Problems, now: dt.datetime) -> int:
    """Report what began or ended since the last run; return the number of reports.

    *problems* are the present ones by kind of rule; kinds that are not in it are left alone. *now*
    is UTC without zone.
    """
    if not any(any(_changes(store, rule, problems)) for rule in _rules(store, problems)):
        return 0
    return store.write(lambda cursor: _report(cursor, problems, now))


def _rules(engine: Engine, problems: Problems) -> list[Rule]:
    return [rule for rule in rule_store.list_all(engine) if rule.active and rule.kind in problems]


def _key(problem: Problem) -> str:
    """Return the key under which a rule keeps *problem*: when it has ended, only this is left."""
    return json.dumps([problem.subject, problem.ended], ensure_ascii=False)


def _reported(engine: Engine, rule: Rule) -> dict[str, tuple[str, str]]:
    """Return the key and the text of the end of each problem that *rule* reported, by subject."""
    result = {}
    for key in rule_store.seen_keys(engine, rule.rule_id):
        try:
            subject, ended = json.loads(key)
        except (ValueError, TypeError):
            continue  # of the kind that the rule had before
        result[str(subject)] = (key, str(ended))
    return result


def _changes(
    engine: Engine, rule: Rule, problems: Problems
) -> tuple[list[Problem], dict[str, tuple[str, str]]]:
    """Return what began, and of what ended, by subject, the key and the text."""
    present = {problem.subject: problem for problem in problems[rule.kind]}
    reported = _reported(engine, rule)
    began = [one for one in present.values() if one.subject not in reported and not one.muted]
    ended = {subject: told for subject, told in reported.items() if subject not in present}
    return began, ended


def _report(cursor: Cursor, problems: Problems, now: dt.datetime) -> int:
    engine, total = Inside(cursor), 0
    for rule in _rules(engine, problems):
        began, ended = _changes(engine, rule, problems)
        # Of two targets, so that the end is a message of its own although it soon follows.
        matches = [Match(f"{one.subject} began", one.text, 1, {}, one.text) for one in began]
        for subject, (key, text) in ended.items():
            matches.append(Match(f"{subject} ended", text, 1, {}, text))
            rule_store.clear_seen(cursor, rule.rule_id, key)
        rule_store.mark_seen(cursor, rule.rule_id, [_key(one) for one in began], now)
        if matches:
            state = rule_store.rate_limit_states(engine).get(rule.rule_id, RateLimitState())
            evaluate.queue_messages(cursor, rule, state, matches, now)
            total += len(matches)
    return total
