"""Rules as code: to YAML and back, so that they can be reviewed and kept like any other file."""

from dataclasses import replace

import yaml

from trail.core.errors import InputError
from trail.notifications import rule_store
from trail.notifications.rule import Rule, read
from trail.storage.database import Cursor, Engine


def export(given: list[Rule]) -> str:
    """Return *given* as YAML, defaults left out, that `parse` reads as the same."""
    plain = Rule("").definition()
    message = []
    for rule in given:
        made = {**rule.definition(), **({} if rule.active else {"active": False})}
        message.append({k: v for k, v in made.items() if k == "name" or v != plain.get(k)})
    return yaml.safe_dump({"rules": message}, sort_keys=False, allow_unicode=True)


def parse(text: str) -> list[Rule]:
    """Return the rules of a YAML file; raises `InputError` naming the rule and its entry."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError("The rules are no YAML.", "Export the rules to see the form.") from None
    listed = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise InputError("There is no list of rules.", "Begin with the line: rules:")
    result = [read(item) for item in listed]
    names = [rule.name.casefold() for rule in result]
    twice = [rule.name for rule in result if names.count(rule.name.casefold()) > 1]
    if twice:
        raise InputError(f"There are two rules named {twice[0]!r}.", "Give each its own name.")
    return result


def bring_in(cursor: Cursor, engine: Engine, rules: list[Rule], by: str) -> dict[str, int]:
    """Keep the rules of a file; one of a known name takes that rule's place and keeps its memory.

    Returns how many were `new`, `changed` and `same`. Rules that the file lacks stay.
    """
    known = {rule.name.casefold(): rule for rule in rule_store.all_of(engine)}
    done = {"new": 0, "changed": 0, "same": 0}
    for rule in rules:
        before = known.get(rule.name.casefold())
        if before is None:
            rule_store.keep(cursor, rule, by)
            done["new"] += 1
        elif before == rule:
            done["same"] += 1
        else:
            rule_store.keep(cursor, replace(rule, rule_id=before.rule_id), by)
            done["changed"] += 1
    return done
