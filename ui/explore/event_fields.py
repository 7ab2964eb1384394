"""The table of fields in the event panel."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from trail.core import event_text
from trail.storage.collected_by import WAYS
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components.event_panel import PanelField
from ui.explore import columns

_UNVERIFIED = (
    f"▲ {text.UNVERIFIED}: the signature does not cover this event. It is left out of findings, "
    "incidents and alerts."
)
_FUTURE_DATED = (
    f"▲ {text.FUTURE_DATED}: later than its arrival. It is left out of relative time ranges, "
    "comparisons, findings and alerts."
)
# Fields are called as the columns that show them, but for this one.
_COLUMNS = {column["title"]: column["name"] for column in columns.LAYOUT.columns} | {
    "Recorded as": "recorded_actor"
}
INCIDENT, FINDING = "Incident", "Finding"


def fields(
    event: dict[str, Any],
    filter_: Filter,
    others: list[dict[str, Any]],
    workspace_labels: Mapping[str, str],
    sources: Mapping[str, str],
) -> list[PanelField]:
    """Return the fields of *event*; *others* are the other reports of the same change.

    *workspace_labels* are those of the workspaces by ID, *sources* by the source that polls them.
    """
    result: list[PanelField] = [{"label": "Action", "value": event["action"], "field": "action"}]
    if event["action_raw"] != event["action"]:
        result[0]["hint"] = f"received as {event['action_raw']}"
    result += _actor(event, filter_)
    result += _target(event, filter_)
    result.append({"label": "Kind", "value": event["kind"], "field": "kind"})
    result.append(_collected(event, filter_, sources))
    if event["unverified"]:
        result.append(_filtered("Verified", _UNVERIFIED, "verified", "no"))
    for other in others:
        at = text.timestamp(other["ingested_at"], filter_.zone)
        source = f" · {other['source']}" if other["source"] else ""
        result.append({"label": "Also received", "value": f"{at}{source}"})
    if event["future_dated"]:
        result.append(_filtered("Time", _FUTURE_DATED, "future_dated", "yes"))
    if event["workspace_id"]:
        result.append(_workspace(event["workspace_id"], workspace_labels))
    result.append({"label": "Event ID", "value": event["event_id"], "mono": True})
    for field in result:
        if column := _COLUMNS.get(field["label"]):
            field["column"] = column
    if event["outcome"] == "failure" and not (event["unverified"] or event["future_dated"]):
        result.append({"label": INCIDENT, "value": "Loading…", "pending": True})
    return result


def _filtered(label: str, value: str, field: str, filter_value: str) -> PanelField:
    return {"label": label, "value": value, "field": field, "filter_value": filter_value}


def _workspace(id_: str, labels: Mapping[str, str]) -> PanelField:
    label = labels.get(id_, id_)
    field = _filtered("Workspace", label, "workspace", id_)
    return {**field, "mono": True} if label == id_ else {**field, "hint": id_}


def _actor(event: dict[str, Any], filter_: Filter) -> list[PanelField]:
    actor, email = event_text.actor(event), event["actor_email"]
    kind = text.ACTOR_TYPES[event["actor_type"]].lower()
    result = [_filtered("Actor", actor, "actor", event["actor_id"])]
    known = email if email and email != actor and not event["recorded_as"] else ""
    result[0]["hint"] = known or kind
    if event["actor_id"]:
        result[0]["href"] = page_link("people", filter_, who=event["actor_id"])
    recorded = event["recorded_actor"]
    if recorded not in (actor, known) and event_text.id_as_name(recorded) != actor:
        result.append({"label": "Recorded as", "value": recorded})
    result.append(_filtered("Actor ID", event["actor_id"], "actor", event["actor_id"]))
    result[-1]["mono"] = True
    if event["recorded_actor_id"] not in (event["actor_id"], recorded):
        result[-1]["hint"] = f"recorded as {event['recorded_actor_id']}"
    return result


def _target(event: dict[str, Any], filter_: Filter) -> list[PanelField]:
    target, target_id = event_text.target(event), event["target_id"]
    result: list[PanelField] = []
    if target:
        result.append(_filtered("Target", target, "target", target_id or target))
        result[0]["hint"] = (event["target_type"] or "").replace("_", " ")
    if target_id:
        result[0]["href"] = page_link("people", filter_, what=target_id)
        result.append(_filtered("Target ID", target_id, "target", target_id))
        result[-1]["mono"] = True
    return result


def _collected(event: dict[str, Any], filter_: Filter, sources: Mapping[str, str]) -> PanelField:
    """Return how the event arrived, how long after it happened, and whether that is verified."""
    loader = event["loader"] or ""
    source = text.collected_by(loader, sources) or "Unknown source"
    name = event.get("source") or ""
    lag_s = (event["ingested_at"] - event["occurred_at"]).total_seconds()
    lag = f"{text.duration(lag_s)} later" if lag_s >= 1 else "at once"
    value = f"{source}, {lag}"
    if event["verified"]:
        value += " · ✓ signature verified"
    elif event["verified"] is not None and not event["unverified"]:
        value += " · ✓ also arrived from a trusted source"
    at = text.timestamp(event["ingested_at"], filter_.zone)
    field: PanelField = {"label": "Collected", "value": value}
    if loader:
        field = _filtered("Collected", value, "source", WAYS.get(loader, loader))
    field["hint"] = at if name.lower() in ("", loader) else f"{at} · {name}"
    return field


def page_link(page: str, filter_: Filter, **names: str) -> str:
    """Return the address of *page* with the window of *filter_* and page parameters *names*."""
    pairs = url_state.query_params(filter_.cleared(), **names)
    return f"/{page}?{urlencode(pairs, doseq=True)}"
