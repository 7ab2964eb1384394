"""Instructions to reverse a change in Segment: checks, screen and API call.

The recipes are in ``undo.toml``; this module selects the recipe of an event and fills in its ids.
No call is ever sent: the reader copies it.

Event text is hostile. Only ids are inserted, only into placeholders of their own kind, and only if
they consist of characters that can end neither a path nor a JSON string.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from trail.core import catalogue


@dataclass(frozen=True, slots=True)
class Recipe:
    """The instructions for one event.

    `call` is the method and path followed by the JSON body, '' if there is no call. With `cannot`,
    `undo` gives the alternative. `missing` lists placeholders that the reader must replace.
    """

    check: tuple[str, ...]
    undo: str
    screen: str
    call: str = ""
    cannot: str = ""
    missing: tuple[str, ...] = ()


# Unknown event types have a recipe if they are destructive or affect access.
_RISKY = 6
_TOKEN = re.compile(r"\btokens?\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{([a-z][A-Za-z]*)\}")
# The first character is not a dot, so that `..` cannot enter a path.
_ID = re.compile(r"[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,127}")
# Paths carry slugs where the Public API wants ids: `spaces/default`,
# `workspaces/acme/sources/web/destinations/webhooks/filters/df_1`. A slug in the place of an id
# would make a call look complete although it fails.
_ID_PATTERNS = {
    "destinationId": re.compile(r"[0-9a-f]{24}"),
    "spaceId": re.compile(r"spa_[A-Za-z0-9]+|[A-Za-z0-9]{20,32}"),
}
# Placeholder for a target id, by target type and by collection in a path.
_PLACEHOLDER_BY_TYPE = {
    "source": "sourceId",
    "integration": "destinationId",
    "destination": "destinationId",
    "destination_filter": "filterId",
    "warehouse": "warehouseId",
    "storage_destination": "warehouseId",
    "profiles_warehouse": "warehouseId",
    "tracking_plan": "trackingPlanId",
    "space": "spaceId",
    "user": "userId",
    "user_group": "userGroupId",
    "function": "functionId",
    "transformation": "transformationId",
    "model": "modelId",
}
_PLACEHOLDER_BY_COLLECTION = {
    "sources": "sourceId",
    "destinations": "destinationId",
    "filters": "filterId",
    "warehouses": "warehouseId",
    "profiles-warehouses": "warehouseId",
    "tracking-plans": "trackingPlanId",
    "spaces": "spaceId",
    "users": "userId",
    "groups": "userGroupId",
    "functions": "functionId",
    "transformations": "transformationId",
    "reverse-etl-models": "modelId",
}
# Keys in the details of a forwarded record that contain a resource id.
_PLACEHOLDER_BY_DETAIL = {
    "source_id": "sourceId",
    "destination_id": "destinationId",
    "metadata_id": "metadataId",
    "warehouse_id": "warehouseId",
    "tracking_plan_id": "trackingPlanId",
    "space_id": "spaceId",
    "function_id": "functionId",
}
_MAX_LINE_LENGTH = 48  # characters; a longer body is indented
_MAX_RAW_LENGTH = 1_000_000  # characters; longer records are not parsed


def recipe(event: Mapping[str, Any]) -> Recipe | None:
    """Return the instructions for *event*; None if there is nothing to undo.

    Reads action, target_type, target_id and raw; never raises on their contents.
    """
    action = catalogue.resolve(_text(event, "action"))
    selected = _BY_ACTION.get(action.name) if action.known else _BY_KIND.get(_unknown_kind(action))
    if selected is None or not selected.call:
        return selected
    ids = _ids(event, action.target_type)
    call = _PLACEHOLDER.sub(
        lambda placeholder: ids.get(placeholder[1], placeholder[0]), selected.call
    )
    return replace(selected, call=call, missing=tuple(dict.fromkeys(_PLACEHOLDER.findall(call))))


def _unknown_kind(action: catalogue.Action) -> str:
    """Return the kind of recipe for an unknown event type, '' for none."""
    if action.kind in _DESTRUCTIVE or action.risk >= _RISKY:
        return action.kind
    grants_access = action.kind in ("create", "modify", "enable")
    return "token" if grants_access and _TOKEN.search(action.name) else ""


def _ids(event: Mapping[str, Any], usual_type: str) -> dict[str, str]:
    """Return the ids in *event* by placeholder."""
    ids: dict[str, str] = {}

    def add_id(placeholder: str | None, value: object) -> None:
        pattern = _ID_PATTERNS.get(placeholder or "", _ID)
        if (
            placeholder
            and isinstance(value, str)
            and _ID.fullmatch(value)
            and pattern.fullmatch(value)
        ):
            ids[placeholder] = value

    for key, value in _details(_text(event, "raw")).items():
        add_id(_PLACEHOLDER_BY_DETAIL.get(key), value)
    segments = _text(event, "target_id").split("/")
    if not all(_ID.fullmatch(segment) for segment in segments):
        return ids
    for collection, value in pairwise(segments):
        if collection != "sources" or segments[0] != "workspaces":
            add_id(_PLACEHOLDER_BY_COLLECTION.get(collection), value)
    if len(segments) == 1:
        kind = _text(event, "target_type") or usual_type
        add_id(_PLACEHOLDER_BY_TYPE.get(kind.strip().lower().replace(" ", "_")), segments[0])
    return ids


def _details(raw: str) -> Mapping[str, Any]:
    """Return the details of a forwarded record, empty for other formats."""
    if not raw or len(raw) > _MAX_RAW_LENGTH:
        return {}
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    for key in ("properties", "details"):
        record = record.get(key) if isinstance(record, dict) else None
    return record if isinstance(record, dict) else {}


def _text(event: Mapping[str, Any], field: str) -> str:
    value = event.get(field)
    return value if isinstance(value, str) else ""


def _load() -> tuple[dict[str, Recipe], dict[str, Recipe]]:
    """Return the recipes by action name, and those of unknown types by kind."""
    table = tomllib.loads(Path(__file__).with_name("undo.toml").read_text(encoding="utf-8"))
    return (
        {name: _recipe_from(row) for row in table["recipe"] for name in row["actions"]},
        {kind: _recipe_from(row) for row in table["unknown"] for kind in row["kinds"]},
    )


def _recipe_from(row: dict[str, Any]) -> Recipe:
    body = row.get("body", "")
    if len(body) > _MAX_LINE_LENGTH:
        body = json.dumps(json.loads(body), indent=2)
    return Recipe(
        check=tuple(row["check"]),
        undo=row["undo"],
        screen=row["screen"],
        call="\n".join(filter(None, (row.get("call"), body))),
        cannot=row.get("cannot", ""),
    )


_DESTRUCTIVE = catalogue.DESTRUCTIVE_KINDS | {"download"}
_BY_ACTION, _BY_KIND = _load()
