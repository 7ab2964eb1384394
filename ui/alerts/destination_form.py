"""The form of a new destination: its secrets are entered here, tested, and stored encrypted."""

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
from trail.notifications.destinations import Destination
from trail.runtime import configuration, process, stored_secrets
from trail.storage.database import Cursor
from ui import setting_change, text
from ui.alerts import changes
from ui.audit import record_action
from ui.page import Context, acting_user

_ENTER = ""
_MAX_SECRET = 4_000


def setting_of(secret: str) -> str:
    """Return the setting that holds the secret of a destination called *secret*."""
    return f"forward.secrets.{secret}"


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
            for name, forwarder in destinations.kinds().items()
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
        """Draw the field of a secret value, and the choice of one that is stored already."""
        names = sorted(self.ctx.runtime.settings.forward.secrets)
        chosen = _ENTER
        if names:
            chosen = st.selectbox(
                f"{field.title} (name of the secret)",
                [_ENTER, *names],
                format_func=lambda name: name or "Enter a new one",
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
            st.text_input("Filter of the forwarded events", key=self._key(f"query-{kind}"))
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
            destinations.check(destination, forward)
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
        """Store the secrets, then the destination; without it, the secrets are removed again."""

        def add() -> str:
            acting_user(changes.CAPABILITY)
            destination, values = self._filled_in(kind)
            destinations.check(
                destination, _with_secrets(process.current().settings.forward, values)
            )
            stored: list[str] = []
            try:
                for name, value in values.items():
                    setting_change.change(setting_of(name), value)
                    stored.append(name)
                changes.write(
                    f"destination {destination.name}",
                    lambda cursor, by: _insert(cursor, destination, by, frozenset(values)),
                    destination.kind,
                )
            except TrailError:
                for name in stored:
                    setting_change.reset(setting_of(name))
                raise
            self._clear(kind)
            self.on_added(destination.name)
            return "Destination added. Send a test message to see that it receives."

        self._show(add)

    def _show(self, job: Callable[[], str]) -> None:
        try:
            result = (st.success, job())
        except TrailError as error:
            result = (st.error, str(error))
        st.session_state[self._key("result")] = result

    def _filled_in(self, kind: str) -> tuple[Destination, dict[str, str]]:
        """Return the destination of the fields, and the secrets that were entered, by new name."""
        forwarder = destinations.kinds()[kind]
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
        forwarder = destinations.kinds()[kind]
        st.session_state[self._key(f"name-{kind}")] = ""
        for field in forwarder.secrets:
            st.session_state[self._key(f"value-{kind}-{field.name}")] = ""

    def _value(self, name: str) -> Any:
        return st.session_state.get(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self.key}-{name}"


def draw_replacement(destination: Destination) -> None:
    """Draw the fields that replace the secrets of *destination*; none is ever shown."""
    for field in destination.forwarder.secrets:
        name = destination.secrets.get(field.name)
        if not name:
            continue
        key = f"replace-{destination.destination_id}-{field.name}"
        described = configuration.describe(setting_of(name))
        if described.fixed_by:
            st.caption(text.escape(f"{field.title}: set by {described.fixed_by}"))
            continue
        st.text_input(
            f"{field.title}: new value",
            type="password",
            max_chars=_MAX_SECRET,
            autocomplete="off",
            help="Replaces the stored one at once, for every destination that uses it.",
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
        setting_change.change(setting_of(name), value)
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
    """Return the settings *forward* with the secrets *values*, which are not stored."""
    secrets = {name: SecretStr(value) for name, value in values.items()}
    return forward.model_copy(update={"secrets": {**forward.secrets, **secrets}})


def _delivered(verdict: Verdict, seconds: float) -> str:
    if verdict.kind != "ok":
        raise InputError(f"Test message not delivered: {verdict.text}")
    return f"Test message delivered in {seconds * 1000:,.0f} ms"


def _taken(settings: Settings) -> set[str]:
    """Return the names of all secrets, also of stored ones that cannot be read."""
    kept = (row.name.removeprefix(setting_of("")) for row in stored_secrets.stored(settings))
    return {*settings.forward.secrets, *kept}


def _free_name(wanted: str, taken: set[str]) -> str:
    """Return a name of a secret like *wanted* that is not in *taken*."""
    slug = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_")[:60] or "secret"
    names = (slug, *(f"{slug}_{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
