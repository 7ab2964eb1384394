"""Export alert rules to YAML and import them, for review and version control."""

from dataclasses import replace
from typing import Any

import yaml

from trail.core import yaml_text
from trail.core.errors import InputError
from trail.notifications import rule_store
from trail.notifications.rule import Rule, parse_rule
from trail.storage.connection import Cursor
from trail.storage.engine import Engine


def export(rules: list[Rule]) -> str:
    """Return *rules* as YAML without default values; `parse` returns the same rules."""
    entries = [to_entry(rule) for rule in rules]
    return yaml_text.dump({"rules": entries})


def to_entry(rule: Rule) -> dict[str, Any]:
    """Return *rule* without default values; `parse_rule` returns the same rule from it."""
    defaults = Rule("").definition()
    entry = {**rule.definition(), **({} if rule.active else {"active": False})}
    return {k: v for k, v in entry.items() if k == "name" or v != defaults.get(k)}


def parse(text: str) -> list[Rule]:
    """Return the rules of a YAML file; raises `InputError` naming the rule and its entry."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError("The rules are not valid YAML.", "Export rules for an example.") from None
    entries = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
        raise InputError("The list of rules is missing.", "Start with the line: rules:")
    result = [parse_rule(item) for item in entries]
    names = [rule.name.casefold() for rule in result]
    duplicates = [rule.name for rule in result if names.count(rule.name.casefold()) > 1]
    if duplicates:
        raise InputError(f"Duplicate rule name {duplicates[0]!r}.", "Give each rule its own name.")
    return result


def import_rules(cursor: Cursor, engine: Engine, rules: list[Rule], by: str) -> dict[str, int]:
    """Store *rules*; a rule with an existing name replaces that rule and keeps its state.

    Returns the numbers of `new`, `changed` and `same` rules. Rules that are not in *rules* stay.
    """
    existing_rules = {rule.name.casefold(): rule for rule in rule_store.list_all(engine)}
    counts = {"new": 0, "changed": 0, "same": 0}
    for rule in rules:
        existing = existing_rules.get(rule.name.casefold())
        if existing is None:
            rule_store.save(cursor, rule, by)
            counts["new"] += 1
        elif existing == rule:
            counts["same"] += 1
        else:
            rule_store.save(cursor, replace(rule, rule_id=existing.rule_id), by)
            counts["changed"] += 1
    return counts
