"""The rule that the editor shows, from the URL of the page."""

import hashlib
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import streamlit as st

from trail.core.errors import TrailError
from trail.notifications import destinations
from trail.notifications.rule import HIGH_SCORE, Rule
from trail.notifications.rule_templates import TEMPLATES
from trail.runtime import process
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from ui import url_state

_COPY, _TEMPLATE, NEW = "copy-", "template-", "new"


@dataclass(frozen=True, slots=True)
class Source:
    """The rule that the editor starts with, and a `key` for its fields."""

    key: str
    rule: Rule


def current(store: Engine, rules: list[Rule]) -> Source | None:
    """Return the rule that the URL names; None for none, or a rule that does not exist."""
    wanted, query = url_state.param("edit"), url_state.param("rule")
    by_id = {str(rule.rule_id): rule for rule in rules}
    if rule := by_id.get(wanted):
        return Source(f"edit-{wanted}", rule)
    copied, template = wanted.removeprefix(_COPY), wanted.removeprefix(_TEMPLATE)
    if wanted.startswith(_COPY) and copied in by_id:
        rule = by_id[copied]
        name = _free_name(f"{rule.name[:70]}, copy", rules)
        return Source(wanted, replace(rule, rule_id=0, name=name, snoozed_until=None))
    if wanted.startswith(_TEMPLATE) and template in TEMPLATES:
        rule = TEMPLATES[template]
        if rule.outside:
            rule = replace(rule, outside=process.current().settings.forward.working_hours)
        return Source(wanted, _with_defaults(store, rule))
    if query or wanted == NEW:
        name = url_state.param("name")[:80] or _suggested_name(query)
        rule = Rule(name, query=without_range(query), score=HIGH_SCORE)
        # Only a digest of the text, since field keys become CSS class names in the page.
        key = f"new-{hashlib.sha256(query.encode()).hexdigest()[:12]}" if query else NEW
        return Source(key, _with_defaults(store, rule))
    return None


def open_editor(wanted: str) -> None:
    """Open the editor for the rule of that ID; for use in callbacks."""
    url_state.put_params(edit=wanted, rule="", name="")


def open_copy(rule_id: int) -> None:
    """Open the editor with a copy of a rule; for use in callbacks."""
    open_editor(f"{_COPY}{rule_id}")


def open_template(name: str) -> None:
    """Open the editor with a template; for use in callbacks."""
    open_editor(f"{_TEMPLATE}{name}")


def close_editor() -> None:
    """Close the editor; for use in callbacks and in the script."""
    st.query_params.from_dict({"section": "rules"})


def without_range(query: str) -> str:
    """Return the filter without its time range, since rules apply to arriving events."""
    try:
        parsed = Filter.parse(query.lstrip("?"))
    except TrailError:
        return query
    return Filter(choices=parsed.choices, q=parsed.q, tz=parsed.tz).query()


def _with_defaults(store: Engine, rule: Rule) -> Rule:
    names = tuple(destination.name for destination in destinations.list_all(store)[:1])
    return replace(rule, zone=url_state.timezone_name(), destinations=names)


def _suggested_name(query: str) -> str:
    values = [value for key, value in parse_qsl(query) if key in ("action", "kind", "category")]
    return ", ".join(values)[:70]


def _free_name(name: str, rules: list[Rule]) -> str:
    used = {rule.name.casefold() for rule in rules}
    names = (name, *(f"{name} {number}" for number in range(2, len(rules) + 3)))
    return next(one for one in names if one.casefold() not in used)
