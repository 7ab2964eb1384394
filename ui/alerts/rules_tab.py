"""Alert rules: the list with the editor beside it, templates, and the rules as YAML."""

import streamlit as st

from trail.core.clock import utc_now
from trail.notifications import rule_store, yaml_rules
from trail.notifications.rule_templates import TEMPLATES
from trail.runtime import process
from ui import forms, text
from ui.alerts import (
    changes,
    latest_deliveries,
    rule_editor,
    rule_list,
    rule_source,
    rule_words,
)
from ui.page import Context

_YAML, _FILTER = "rules-yaml", "rules-filter"
_DAYS = 14


def draw(ctx: Context) -> None:
    """Draw the rules, the templates, and the editor of the open rule."""
    rules = rule_store.list_all(ctx.runtime.store)
    source = rule_source.current(ctx.runtime.store, rules)
    names = rule_words.names_of(ctx.runtime.store, rules)
    wanted = str(st.session_state.get(_FILTER, ""))
    shown = [rule for rule in rules if rule_words.matches(rule, names, wanted)]
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        filtered = f" · {len(shown):,} of {len(rules):,} shown" if len(shown) < len(rules) else ""
        st.caption(_summary(ctx, sum(rule.active for rule in rules), len(rules)) + filtered)
        with st.container(horizontal=True, width="content", key="rules-actions"):
            st.text_input(
                "Filter rules",
                placeholder="Filter rules",
                icon=":material/search:",
                label_visibility="collapsed",
                width=220,
                key=_FILTER,
            )
            st.button(
                "New rule",
                icon=":material/add:",
                type="primary",
                key="new-rule",
                on_click=rule_source.open_editor,
                args=(rule_source.NEW,),
            )
    latest_deliveries.draw_problems(ctx.runtime.store)
    if source:
        left, right = st.columns([1.6, 1], gap="small")
    else:
        left, right = st.container(), None
    with left:
        if shown:
            rule_list.draw(ctx, shown, names, source.rule.rule_id if source else 0)
        elif rules:
            st.text("No rule has these words in its name, condition, destinations or reason.")
        else:
            st.text("No rules yet. Create one here, or from Explore with “Create alert rule”.")
        latest_deliveries.draw(ctx.runtime.store)
        _templates()
        with st.expander("Rules as YAML"):
            st.code(yaml_rules.export(rules), language="yaml")
            with forms.form("as-code", "Import", _import, (_YAML,)):
                st.text_area("Rules to import, as YAML", height=160, key=_YAML)
    if source and right:
        with right:
            rule_editor.draw(ctx, source)


def _summary(ctx: Context, active: int, total: int) -> str:
    histories = rule_store.histories(ctx.runtime.store, _DAYS, utc_now().date())
    sent = sum(messages for one in histories.values() for _, _, messages in one["days"])
    return (
        f"{active:,} of {text.count(total, 'rule')} on · {text.count(sent, 'message')} in 14 days"
    )


def _templates() -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.subheader("Start from a template", anchor=False, width="content")
            st.caption("Each opens with a back-test on your own events", width="content")
        with st.container(horizontal=True):
            for name, rule in TEMPLATES.items():
                st.button(
                    rule.name,
                    icon=":material/add:",
                    key=f"template-{name}",
                    on_click=rule_source.open_template,
                    args=(name,),
                )


def _import() -> str:
    store, imported = process.current().store, yaml_rules.parse(st.session_state[_YAML])
    counts = changes.write(
        "alert rules",
        lambda cursor, by: yaml_rules.import_rules(cursor, store, imported, by),
        changes.counted,
    )
    return f"{changes.counted(counts)}, {counts['same']:,} unchanged"
