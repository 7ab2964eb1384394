"""Scheduled digests: when and where each is sent, a test, a preview, a new one, and YAML."""

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import streamlit as st

from trail.attention import digest_period, digest_schedules, digest_text, digest_yaml
from trail.attention.digest import Digest, digest
from trail.attention.digest_period import Cadence
from trail.attention.digest_schedules import WEEKDAYS, DigestSchedule
from trail.config_files import folder
from trail.core.clock import utc_now
from trail.core.errors import InputError, TrailError
from trail.core.zones import zone_names
from trail.notifications import destinations, test_message
from ui import authorship, forms, text, url_state
from ui.alerts import changes
from ui.audit import record_action
from ui.page import Context, acting_user

_CADENCES: dict[Cadence, str] = {"weekly": "Week", "daily": "Day"}
_HOURS = [f"{hour:02d}:00" for hour in range(24)]
_YAML = "digests-yaml"


def draw(ctx: Context) -> None:
    """Draw the form of a new digest, the scheduled ones, and all as YAML."""
    store = ctx.runtime.store
    names = {item.destination_id: item.name for item in destinations.list_all(store)}
    schedules = digest_schedules.list_all(store)
    origins = folder.origins(store, "digests")
    st.caption(
        "A digest lists changes, people, failures, findings and the state of the data of the last "
        "full week or day, with a link on each line."
    )
    if not names:
        st.info("Add a destination first: a digest needs one to go to.", icon=":material/info:")
    with st.expander("New digest", expanded=bool(names) and not schedules):
        zone = url_state.timezone_name()
        first = next(iter(names), 0)
        _form("new-digest", DigestSchedule("", first, zone=zone), names)
    for schedule in schedules:
        with st.container(border=True, gap="xsmall"):
            _schedule(ctx, schedule, names, origins)
    with st.expander("Digests as YAML"):
        st.code(digest_yaml.export(schedules, names), language="yaml")
        with forms.form("digests-as-code", "Import", _import, (_YAML,)):
            st.text_area("Digests to import, as YAML", height=160, key=_YAML)


def _schedule(
    ctx: Context, schedule: DigestSchedule, names: dict[int, str], origins: Mapping[str, bool]
) -> None:
    number = schedule.schedule_id
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left, st.container(gap=None):
        st.subheader(text.escape(schedule.name), anchor=False)
        st.text("✓ On" if schedule.active else "○ Paused")
        st.caption(text.escape(_about(schedule, names)))
        st.caption(text.escape(_times(schedule)))
        edit = schedule.edited_by, schedule.edited_at
        notes = (
            authorship.from_files(origins, schedule.name),
            authorship.edited(schedule.made_by, schedule.made_at, *edit),
        )
        for note in filter(None, notes):
            st.caption(text.escape(note))
        if schedule.last_error:
            st.error(text.escape(schedule.last_error))
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        tested = st.button("Send now as a test", key=f"test-{number}")
        label = "Pause" if schedule.active else "Resume"
        st.button(label, key=f"switch-{number}", on_click=_switch, args=(schedule,))
        st.button("Delete", key=f"delete-{number}", on_click=_delete, args=(schedule,))
    if tested:
        _test(ctx, schedule)
    with st.expander("Edit"):
        _form(f"edit-{number}", schedule, names)
    with st.expander("Preview", key=f"preview-{number}", on_change="rerun") as preview:
        if preview.open:
            made = _sample(ctx, schedule)
            st.page_link(
                url_state.DIGEST,
                label="Open as a page",
                query_params={
                    digest_period.PARAMS[schedule.cadence]: made.period.first.isoformat(),
                    "tz": schedule.zone,
                },
            )
            st.code(digest_text.plain(made), language=None)


def _about(schedule: DigestSchedule, names: dict[int, str]) -> str:
    target = names.get(schedule.destination_id, "a deleted destination")
    findings = "with findings" if schedule.findings else "without findings"
    return f"{schedule.when} · to {target} · {findings}"


def _times(schedule: DigestSchedule) -> str:
    # In the zone that the schedule names beside it.
    zone = ZoneInfo(schedule.zone)
    last = "not sent yet"
    if schedule.last_period:
        period = digest_period.containing(schedule.last_period, schedule.cadence, schedule.zone)
        last = f"last sent: {period.title}"
    if not schedule.active or not schedule.next_at:
        return last[0].upper() + last[1:]
    return f"Next {text.short_timestamp(schedule.next_at, zone)} · {last}"


def _form(key: str, schedule: DigestSchedule, names: dict[int, str]) -> None:
    def field(name: str) -> str:
        return f"{key}-{name}"

    def save() -> str:
        return _save(schedule, {name: st.session_state[field(name)] for name in _FIELDS})

    cleared = () if schedule.schedule_id else (field("name"),)
    with forms.form(key, "Save digest", save, cleared):
        st.text_input("Name", schedule.name, max_chars=80, key=field("name"))
        first, second, third, fourth = st.columns(4, gap="small")
        first.selectbox(
            "Digest of each",
            list(_CADENCES),
            index=list(_CADENCES).index(schedule.cadence),
            format_func=lambda name: _CADENCES[name],
            key=field("cadence"),
        )
        second.selectbox(
            "Weekday of a weekly digest",
            range(len(WEEKDAYS)),
            index=schedule.weekday,
            format_func=lambda number: WEEKDAYS[number].capitalize(),
            key=field("weekday"),
        )
        third.selectbox(
            "Time",
            range(24),
            index=schedule.hour,
            format_func=_HOURS.__getitem__,
            key=field("hour"),
        )
        zones = sorted(zone_names())
        fourth.selectbox("Time zone", zones, index=zones.index(schedule.zone), key=field("zone"))
        ids = list(names)
        st.selectbox(
            "Send to",
            ids,
            index=ids.index(schedule.destination_id) if schedule.destination_id in ids else None,
            format_func=lambda number: names[number],
            key=field("destination_id"),
        )
        st.checkbox(
            "Include unusual changes",
            schedule.findings,
            key=field("findings"),
            help="Everybody who receives the message sees them, also people whose role may not.",
        )


_FIELDS = ("name", "cadence", "weekday", "hour", "zone", "destination_id", "findings")


def _save(schedule: DigestSchedule, values: dict[str, object]) -> str:
    if values["destination_id"] is None:
        raise InputError("The destination is missing.", "Choose where to send the digest.")
    given = {**values, "name": str(values["name"]).strip()}
    changed = replace(schedule, **given)  # type: ignore[arg-type]
    changes.write(
        f"digest {changed.name}",
        lambda cursor, by: digest_schedules.save(cursor, changed, by, utc_now()),
        changed.when,
    )
    return "Digest saved."


def _switch(schedule: DigestSchedule) -> None:
    active = not schedule.active
    changes.attempt(
        f"digest {schedule.name}",
        lambda cursor, by: digest_schedules.set_active(
            cursor, schedule, by, utc_now(), active=active
        ),
        "resumed" if active else "paused",
    )


def _delete(schedule: DigestSchedule) -> None:
    changes.attempt(
        f"digest {schedule.name}",
        lambda cursor, _: digest_schedules.remove(cursor, schedule.schedule_id),
        "deleted",
    )


def _sample(ctx: Context, schedule: DigestSchedule) -> Digest:
    """Return the digest that *schedule* would send now."""
    period = digest_period.last_complete(ctx.now, schedule.cadence, schedule.zone)
    store, settings = ctx.runtime.store, ctx.runtime.settings
    return digest(store, settings, period, ctx.now, findings=schedule.findings)


def _test(ctx: Context, schedule: DigestSchedule) -> None:
    forwarding = ctx.runtime.schedule.notifications.forwarding
    try:
        record_action("tested", acting_user(changes.CAPABILITY), f"digest {schedule.name}")
        destination = destinations.get(ctx.runtime.store, schedule.destination_id)
        body = _sample(ctx, schedule).to_dict()
        verdict = test_message.send_test(forwarding, destination, "digest", body)
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    if verdict.kind == "ok":
        st.success("Test digest delivered", icon=":material/check:")
    else:
        st.error(text.escape(f"Test digest not delivered: {verdict.text}"))


def _import() -> str:
    given = st.session_state[_YAML]
    counts = changes.write(
        "digests",
        lambda cursor, by: digest_yaml.import_schedules(cursor, given, by),
        changes.counted,
    )
    return f"{changes.counted(counts)}, {counts['same']:,} unchanged"
