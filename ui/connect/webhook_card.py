"""Connect with a webhook: a generated secret, the address to copy, and the first event."""

import datetime as dt
import secrets
import time

import streamlit as st

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Receiver
from trail.core.settings import value_of
from trail.events import store_status
from trail.ingest import quarantine, source_health
from trail.runtime import configuration, process
from ui import own_address, setting_change, source_check, text
from ui.page import Context

_SETTING = "push.webhook_secrets"
_PATH = "/webhooks/segment"
_RECEIVER = "webhook"
_SHOWN_S = 600.0
_WAIT_S = 2.0
# The current and the new secret, during a rotation.
_KEPT = 2
_NEW, _ERROR = "connect-webhook-secret", "connect-webhook-error"


def draw(ctx: Context) -> None:
    """Draw the card."""
    setting = configuration.describe(_SETTING)
    delivers = source_health.has_delivered(ctx.runtime.store, _RECEIVER)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header("Webhook", anchor=False, width="content")
        if delivers:
            st.badge("Connected", icon=":material/check:", color="green")
        elif setting.is_set:
            st.badge("Waiting", icon=":material/hourglass_empty:", color="orange")
    st.caption(
        "Adds events within seconds, each with a verified signature. Needs an address that Segment "
        "can reach."
    )
    st.text("1. In Segment, open Settings → Audit forwarding and choose a source.")
    st.text("2. Add a Webhooks destination to this source with this address:")
    st.code(own_address.of(ctx.runtime.settings, _PATH), language=None)
    st.text("3. Paste this shared secret there. It is shown once.")
    _secret(setting.is_set, setting.fixed_by, setting_change.origin(setting))
    if error := st.session_state.pop(_ERROR, ""):
        st.error(text.escape(error))
    st.text(
        "4. Turn batching off in the destination: in a batch, the signature verifies only the "
        "first event."
    )
    if setting.is_set:
        with st.container(border=True, gap="xxsmall"):
            since = setting.changed_at() if setting.by else None
            st.fragment(_waiting, run_every=None if delivers else _WAIT_S)(since, delivers)
        _test(ctx)


def _secret(is_set: bool, fixed_by: str, origin: str) -> None:
    shown = st.session_state.get(_NEW)
    left = shown[1] - time.time() if shown else 0.0
    if shown and left > 0:
        st.code(shown[0], language=None)
        st.caption(f"Shown for another {text.duration(left)}")
    elif is_set:
        st.text(f"Secret ••••••••  {origin}")
    if not fixed_by:
        label = "New secret" if is_set else "Generate a secret"
        st.button(label, key="connect-webhook-new", on_click=_generate)


def _generate() -> None:
    """Store a new secret beside the current one, so that deliveries continue during rotation."""
    fresh = f"whs_{secrets.token_urlsafe(24)}"
    known = [item.get_secret_value() for item in value_of(process.current().settings, _SETTING)]
    try:
        setting_change.change(_SETTING, [fresh, *known][:_KEPT])
    except TrailError as error:
        st.session_state[_ERROR] = str(error)
        return
    st.session_state[_NEW] = (fresh, time.time() + _SHOWN_S)


def _waiting(since: dt.datetime | None, delivers: bool) -> None:
    """Draw whether signed events arrive; *since* is when the wait began."""
    store = process.current().store
    received = next(
        (row for row in store_status.sources(store) if row["loader"] == _RECEIVER), None
    )
    if not received or not source_health.has_delivered(store, _RECEIVER):
        waited = f" for {text.duration((utc_now() - since).total_seconds())}" if since else ""
        st.text(f"◌ Waiting for the first event{waited}…")
        st.caption("Signature and batching are checked with the first event.")
        st.caption("To trigger one, rename any source in Segment and rename it back.")
        return
    if not delivers:
        st.rerun()  # the badge changes, too
    st.text(f"✓ {text.count(received['read'], 'record')} received with a valid signature")
    if unverified := store_status.unverified_events(store, utc_now()):
        st.text(f"▲ Batching is on: {text.count(unverified, 'event')} unverified in 7 days.")
        st.caption(quarantine.BATCHING_OFF)
    else:
        st.text("✓ Batching is off: each event of the last 7 days has a signature")


def _test(ctx: Context) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Send a test request", key="connect-webhook-test")
        st.caption("Signed by this server, not stored.")
    if not pressed:
        return
    (receiver,) = [item for item in registry.of_kind(Receiver) if item.name == _RECEIVER]
    source_check.draw(ctx, receiver)
