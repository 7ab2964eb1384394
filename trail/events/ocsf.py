"""Events as documents of the Open Cybersecurity Schema Framework (OCSF) 1.5.0.

An event has the class Entity Management (3004): the actor created, read, changed, deleted, enabled
or disabled a managed entity, the target. A message that reports something to investigate is a
Detection Finding (2004), any other message a Base Event (0). Values without an attribute in the
schema are in `unmapped`.
"""

import re
from typing import Any

from trail.core import catalogue
from trail.core.clock import utc_text
from trail.core.event_text import sentence
from trail.events import document
from trail.events.document import Notice, Row, present, text

VERSION = "1.5.0"
_ACTIVITIES = {
    "create": (1, "Create"),
    "read": (2, "Read"),
    "download": (2, "Read"),
    "modify": (3, "Update"),
    "delete": (4, "Delete"),
    "enable": (8, "Enable"),
    "disable": (9, "Disable"),
}
_STATUSES = {"success": (1, "Success"), "failure": (2, "Failure")}
_UNKNOWN = (0, "Unknown")
_SEVERITIES = {"low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High")}
_NOTICE_SEVERITIES = {"warning": (3, "Medium"), "critical": (5, "Critical")}
_INFORMATIONAL = (1, "Informational")
_ACTORS = {"user": (1, "User"), "system": (3, "System"), "token": (99, "API token")}
_USER, _OTHER = 2, 99
# E-mail addresses that the schema accepts and that are generally valid.
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+")


def event(row: Row) -> dict[str, Any]:
    """Return the Entity Management event of *row*; times in milliseconds since the epoch (UTC)."""
    kind, risk = text(row, "kind"), document.risk(row)
    activity = _ACTIVITIES.get(kind, (_OTHER, kind.capitalize() or "Other"))
    severity = _SEVERITIES[catalogue.risk_level(risk)] if risk else _INFORMATIONAL
    status = _STATUSES.get(text(row, "outcome"), _UNKNOWN)
    at = document.moment(row, "occurred_at", "ingested_at")
    email = text(row, "actor_email")
    return {
        **_classification(3, "Identity & Access Management", 3004, "Entity Management", activity),
        "time": document.milliseconds(at),
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
        "message": document.clean(sentence(row)),
        "actor": _actor(row, email if _EMAIL.fullmatch(email) else ""),
        "entity": _entity(row),
        "metadata": _metadata(
            uid=text(row, "event_id"),
            event_code=text(row, "action"),
            tenant_uid=text(row, "workspace_id"),
            original_time=utc_text(at),
            logged_time=document.milliseconds(document.moment(row, "ingested_at", "occurred_at")),
        ),
        "unmapped": present(
            action_raw=text(row, "action_raw"),
            category=text(row, "category"),
            kind=kind,
            risk=risk,
            actor_type=text(row, "actor_type"),
            actor_email="" if _EMAIL.fullmatch(email) else email,
            verified=row.get("verified"),
        ),
        **present(raw_data=text(row, "raw")),
    }


def notice(item: Notice) -> dict[str, Any]:
    """Return the Detection Finding or the Base Event of *item*."""
    severity = _NOTICE_SEVERITIES.get(item.severity, _INFORMATIONAL)
    if item.is_detection:
        kind = _classification(2, "Findings", 2004, "Detection Finding", (1, "Create"))
        info = present(
            uid=document.clean(item.uid),
            title=document.clean(item.title),
            desc=document.clean(item.text),
            src_url=document.clean(item.link),
        )
        more: dict[str, Any] = {"finding_info": info}
    else:
        kind = _classification(0, "Uncategorized", 0, "Base Event", (_OTHER, item.kind))
        more = {}
    return {
        **kind,
        "time": document.milliseconds(item.at),
        "severity_id": severity[0],
        "severity": severity[1],
        "message": document.clean(f"{item.title}: {item.text}"),
        "metadata": _metadata(uid=document.clean(item.uid), event_code=item.kind),
        **more,
    }


def _classification(
    category: int, category_name: str, class_uid: int, class_name: str, activity: tuple[int, str]
) -> dict[str, Any]:
    number, name = activity
    return {
        "category_uid": category,
        "category_name": category_name,
        "class_uid": class_uid,
        "class_name": class_name,
        "activity_id": number,
        "activity_name": name,
        "type_uid": class_uid * 100 + number,
        "type_name": f"{class_name}: {'Other' if number == _OTHER else name}",
    }


def _actor(row: Row, email: str) -> dict[str, Any]:
    number, name = _ACTORS.get(text(row, "actor_type"), _UNKNOWN)
    user = present(
        uid=text(row, "actor_id"),
        name=text(row, "actor_name") or text(row, "actor") or text(row, "actor_email"),
        display_name=text(row, "actor"),
        email_addr=email,
    )
    if not user.keys() & {"uid", "name"}:
        user["name"] = "Unknown"
    return {"user": {**user, "type_id": number, "type": name}}


def _entity(row: Row) -> dict[str, Any]:
    """Return the target, or the workspace for an event without a target."""
    kind, names = (
        text(row, "target_type"),
        present(uid=text(row, "target_id"), name=text(row, "target_name")),
    )
    if not names:
        kind = kind or "workspace"
        names = {"uid": text(row, "workspace_id") or "unknown"}
    number = _USER if kind == "user" else _OTHER
    return {**names, "type_id": number, "type": kind or "Other"}


def _metadata(**fields: Any) -> dict[str, Any]:
    return {
        "version": VERSION,
        "product": {"name": document.PRODUCT, "vendor_name": document.VENDOR},
        "log_name": document.DATASET,
        "log_provider": document.SOFTWARE,
        **present(**fields),
    }
