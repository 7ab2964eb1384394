"""The form for a new destination: its secrets are entered, tested, and stored encrypted."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pydantic import SecretStr

from trail.core.errors import InputError, TrailError
from trail.core.model import FormField, Forwarder, Verdict
from trail.core.sections import Forward
from trail.core.settings import Settings
from trail.notifications import destinations, test_message
from trail.notifications.destination import Destination, all_kinds, secret_setting
from trail.runtime import configuration, process, stored_secrets
from trail.storage.connection import Cursor
from ui import setting_change, text
from ui.alerts import changes
from ui.audit import record_action
from ui.page import Context, acting_user

_ENTER = ""
_MAX_SECRET = 4_000


@dataclass(frozen=True, slots=True)
class DestinationForm:
    """A form with a `key` of its own; `on_added` gets the name of the destination in a callback."""

    ctx: Context
    key: str
    on_added: Callable[[str], None] = lambda _: None

    def draw(self) -> None:
        """Draw the fields, the buttons, and the result of the last press."""
        kinds = {
            name: forwarder
            for name, forwarder in all_kinds().items()
            if self.ctx.runtime.demo or not forwarder.demo_only
        }
        first = "slack" if "slack" in kinds else next(iter(kinds))
        kind = str(
            st.segmented_control(
                "Kind",
                list(kinds),
                default=first,
                required=True,
                format_func=lambda name: kinds[name].title,
                key=self._key("kind"),
            )
        )
        forwarder = kinds[kind]
        name = st.text_input("Name", max_chars=80, key=self._key(f"name-{kind}"))
        for field in forwarder.settings:
            self._setting(field, kind)
        for field in forwarder.secrets:
            self._secret(field, kind)
        self._uses(forwarder, kind)
        with st.container(horizontal=True):
            disabled = not name.strip()
            st.button(
                "Test before adding",
                key=self._key("test"),
                on_click=self._test,
                args=(kind,),
                disabled=disabled,
            )
            st.button(
                "Add destination",
                type="primary",
                key=self._key("add"),
                on_click=self._add,
                args=(kind,),
                disabled=disabled,
            )
        if result := st.session_state.pop(self._key("result"), None):
            show, message = result
            show(text.escape(message))

    def _setting(self, field: FormField, kind: str) -> None:
        key, help_ = self._key(f"field-{kind}-{field.name}"), field.help or None
        label = field.title if field.required else f"{field.title} (optional)"
        if field.choices:
            index = field.choices.index(field.default) if field.default in field.choices else 0
            st.selectbox(label, field.choices, index=index, help=help_, key=key)
        else:
            st.text_input(label, value=field.default, help=help_, key=key)

    def _secret(self, field: FormField, kind: str) -> None:
        """Draw the field for a secret value, and the choice of a stored one."""
        names = sorted(self.ctx.runtime.settings.forward.secrets)
        chosen = _ENTER
        if names:
            chosen = st.selectbox(
                f"{field.title} (name of the secret)",
                [_ENTER, *names],
                format_func=lambda name: name or "Enter a new secret",
                key=self._key(f"secret-{kind}-{field.name}"),
            )
        if not chosen:
            st.text_input(
                field.title,
                type="password",
                max_chars=_MAX_SECRET,
                placeholder=field.example,
                autocomplete="off",
                help=" ".join(
                    part for part in (field.help, "Encrypted at rest, never shown again.") if part
                ),
                key=self._key(f"value-{kind}-{field.name}"),
            )

    def _uses(self, forwarder: Forwarder, kind: str) -> None:
        if st.checkbox("Also forward events", key=self._key(f"streams-{kind}")):
            st.text_input("Filter for forwarded events", key=self._key(f"query-{kind}"))
        st.checkbox(
            "Also send seals, as a copy outside this machine",
            key=self._key(f"seals-{kind}"),
            help="Sends every seal, so that the trail can be verified against the copy."
            if forwarder.exact
            else "Sends the newest seal of each day, which covers all earlier ones.",
        )

    def _test(self, kind: str) -> None:
        """Send a test message with what the fields contain; nothing is stored."""

        def test() -> str:
            destination, values = self._filled_in(kind)
            forward = _with_secrets(process.current().settings.forward, values)
            destination.check(forward)
            record_action(
                "tested", acting_user(changes.CAPABILITY), f"destination {destination.name}"
            )
            forwarding = process.current().schedule.notifications.forwarding
            began = time.monotonic()
            verdict = test_message.send_test(
                forwarding, destination, forward=forward, entered=frozenset(values)
            )
            return _delivered(verdict, time.monotonic() - began)

        self._show(test)

    def _add(self, kind: str) -> None:
        """Store the secrets, then the destination; if that fails, remove the secrets again."""

        def add() -> str:
            acting_user(changes.CAPABILITY)
            destination, values = self._filled_in(kind)
            destination.check(_with_secrets(process.current().settings.forward, values))
            stored: list[str] = []
            try:
                for name, value in values.items():
                    setting_change.change(secret_setting(name), value)
                    stored.append(name)
                changes.write(
                    f"destination {destination.name}",
                    lambda cursor, by: _insert(cursor, destination, by, frozenset(values)),
                    destination.kind,
                )
            except TrailError:
                for name in stored:
                    setting_change.reset(secret_setting(name))
                raise
            self._clear(kind)
            self.on_added(destination.name)
            return "Destination added. Send a test message to check that it arrives."

        self._show(add)

    def _show(self, job: Callable[[], str]) -> None:
        try:
            result = (st.success, job())
        except TrailError as error:
            result = (st.error, str(error))
        st.session_state[self._key("result")] = result

    def _filled_in(self, kind: str) -> tuple[Destination, dict[str, str]]:
        """Return the destination described by the fields, and the entered secrets by new name."""
        forwarder = all_kinds()[kind]
        name = str(self._value(f"name-{kind}")).strip()
        settings = {one.name: self._value(f"field-{kind}-{one.name}") for one in forwarder.settings}
        taken = _taken(process.current().settings)
        secrets, values = dict[str, str](), dict[str, str]()
        for field in forwarder.secrets:
            chosen = str(self._value(f"secret-{kind}-{field.name}") or _ENTER)
            value = str(self._value(f"value-{kind}-{field.name}") or "").strip()
            if not chosen and value:
                chosen = _free_name(f"{name}_{field.name}", taken | set(values))
                values[chosen] = value
            if chosen:
                secrets[field.name] = chosen
        return (
            Destination(
                0,
                kind,
                name,
                {key: str(value) for key, value in settings.items() if value},
                secrets,
                streams=bool(self._value(f"streams-{kind}")),
                query=str(self._value(f"query-{kind}") or ""),
                seals=bool(self._value(f"seals-{kind}")),
            ),
            values,
        )

    def _clear(self, kind: str) -> None:
        forwarder = all_kinds()[kind]
        st.session_state[self._key(f"name-{kind}")] = ""
        for field in forwarder.secrets:
            st.session_state[self._key(f"value-{kind}-{field.name}")] = ""

    def _value(self, name: str) -> Any:
        return st.session_state.get(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self.key}-{name}"


def draw_replacement(destination: Destination) -> None:
    """Draw the fields for replacing the secrets of *destination*; stored ones are never shown."""
    for field in destination.forwarder.secrets:
        name = destination.secrets.get(field.name)
        if not name:
            continue
        key = f"replace-{destination.destination_id}-{field.name}"
        described = configuration.describe(secret_setting(name))
        if described.fixed_by:
            st.caption(text.escape(f"{field.title}: set by {described.fixed_by}"))
            continue
        st.text_input(
            f"{field.title}: new value",
            type="password",
            max_chars=_MAX_SECRET,
            autocomplete="off",
            help="Takes effect immediately for every destination that uses this secret.",
            key=key,
        )
        st.caption(text.escape(setting_change.origin(described)))
        st.button("Replace", key=f"{key}-button", on_click=_replace, args=(name, key))


def _replace(name: str, key: str) -> None:
    value = str(st.session_state.get(key) or "").strip()
    st.session_state[key] = ""
    try:
        if not value:
            raise InputError("The new value is missing.", "Enter it, then choose Replace.")
        setting_change.change(secret_setting(name), value)
    except TrailError as error:
        st.toast(text.escape(str(error)), duration="long")
    else:
        st.toast("Secret replaced", duration="short")


def _insert(cursor: Cursor, destination: Destination, by: str, entered: frozenset[str]) -> int:
    runtime = process.current()
    return destinations.add(
        cursor, destination, runtime.settings.forward, by, demo=runtime.demo, entered=entered
    )


def _with_secrets(forward: Forward, values: dict[str, str]) -> Forward:
    """Return the settings *forward* with the unstored secrets *values*."""
    secrets = {name: SecretStr(value) for name, value in values.items()}
    return forward.model_copy(update={"secrets": {**forward.secrets, **secrets}})


def _delivered(verdict: Verdict, seconds: float) -> str:
    if verdict.kind != "ok":
        raise InputError(f"Test message not delivered: {verdict.text}")
    return f"Test message delivered in {seconds * 1000:,.0f} ms"


def _taken(settings: Settings) -> set[str]:
    """Return the names of all secrets, including stored ones that cannot be read."""
    kept = (row.name.removeprefix(secret_setting("")) for row in stored_secrets.stored(settings))
    return {*settings.forward.secrets, *kept}


def _free_name(wanted: str, taken: set[str]) -> str:
    """Return a secret name like *wanted* that is not in *taken*."""
    slug = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_")[:60] or "secret"
    names = (slug, *(f"{slug}_{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
