"""The editor of one alert rule: its fields, the back-test, and saving."""

import streamlit as st

from trail.config_files import folder
from trail.core.errors import TrailError
from trail.notifications import destinations, rule_store
from trail.notifications.rule import Rule
from ui import text
from ui.alerts import back_test, changes, rule_fields, rule_list, rule_source
from ui.alerts.destination_form import DestinationForm
from ui.alerts.rule_source import Source
from ui.page import Context


def draw(ctx: Context, source: Source) -> None:
    """Draw the editor with the rule of *source*."""
    store, key, initial = ctx.runtime.store, source.key, source.rule
    names = [destination.name for destination in destinations.list_all(store)]
    with st.container(border=True, gap="small", key="rule-editor"):
        _head(initial)
        if initial.name.casefold() in folder.origins(store, "rules") and initial.rule_id:
            st.info(
                "This rule is managed by configuration files. The next apply overwrites changes "
                "made here.",
                icon=":material/info:",
            )
        rule = rule_fields.draw(store, initial, key, names)
        with st.expander("New destination", expanded=not names):
            DestinationForm(ctx, f"{key}-destination", lambda name: _choose(key, name)).draw()
        back_test.draw(ctx, rule, key)
        with st.container(horizontal=True, vertical_alignment="center"):
            author = rule_store.authorships(store).get(initial.rule_id)
            st.caption(text.escape(rule_list.edited(author)), width="stretch")
            st.button("Cancel", key=f"{key}-cancel", on_click=rule_source.close_editor)
            missing = not rule.destinations or not rule.name.strip()
            # Not a callback, which would get the rule without the last edited field.
            if st.button("Save rule", type="primary", disabled=missing, key=f"{key}-save"):
                _save(rule)
        if missing:
            st.caption("A rule needs a name and a destination.")


def _choose(key: str, name: str) -> None:
    """Choose the destination *name*, which was just added; for use in callbacks."""
    field = rule_fields.destinations_key(key)
    st.session_state[field] = [*st.session_state.get(field, []), name]


def _head(initial: Rule) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        title = "Edit rule" if initial.rule_id else "New rule"
        st.subheader(title, anchor=False, width="stretch")
        if initial.rule_id:
            st.button(
                "Duplicate",
                key="editor-copy",
                type="tertiary",
                on_click=rule_source.open_copy,
                args=(initial.rule_id,),
            )
            with st.popover("Delete", type="tertiary", key="editor-delete"):
                rule_list.draw_delete(initial, f"editor-delete-{initial.rule_id}")
        st.button(
            "",
            icon=":material/close:",
            key="editor-close",
            type="tertiary",
            help="Close",
            on_click=rule_source.close_editor,
        )


def _save(rule: Rule) -> None:
    try:
        changes.write(
            f"alert rule {rule.name}",
            lambda cursor, by: rule_store.save(cursor, rule, by),
            rule.query,
        )
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    rule_source.close_editor()
    st.rerun()
