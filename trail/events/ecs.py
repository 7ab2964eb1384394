"""Events as documents of the Elastic Common Schema (ECS) 8.17, which ECS 9 reads unchanged.

Values without a field in the schema are under `segment.audit`.
"""

from typing import Any

from trail.core.clock import utc_text
from trail.core.event_text import sentence
from trail.events import document
from trail.events.document import Notice, Row, present, text

VERSION = "8.17.0"
# `event.type` by kind; types that `iam` does not allow are replaced below.
_TYPES = {
    "create": "creation",
    "delete": "deletion",
    "modify": "change",
    "enable": "change",
    "disable": "change",
    "connect": "change",
    "disconnect": "change",
    "access": "change",
    "read": "access",
    "download": "access",
}
_IAM = "Access Management"
# The targets of `iam` with a separate `event.type`.
_IAM_TARGETS = {"user": "user", "invite": "user", "user_group": "group"}
_NOTICE_SEVERITY = {"info": 1, "warning": 5, "critical": 9}


def event(row: Row) -> dict[str, Any]:
    """Return the document of *row*; times as ISO 8601 in UTC, `event.severity` is the risk."""
    at = document.moment(row, "occurred_at", "ingested_at")
    is_iam = row.get("category") == _IAM
    kind, target_type = _TYPES.get(text(row, "kind"), "info"), text(row, "target_type")
    types = ["info" if is_iam and kind == "access" else kind]
    if is_iam and target_type in _IAM_TARGETS:
        types.append(_IAM_TARGETS[target_type])
    user = present(
        id=text(row, "actor_id"),
        name=text(row, "actor_name") or text(row, "actor"),
        email=text(row, "actor_email"),
        full_name=text(row, "actor"),
    )
    target = present(id=text(row, "target_id"), name=text(row, "target_name"))
    if is_iam and target_type == "user" and target:
        user["target"] = target
    outcome = text(row, "outcome")
    return {
        **_base(utc_text(at), sentence(row)),
        "event": {
            "kind": "event",
            "category": ["iam" if is_iam else "configuration"],
            "type": types,
            "outcome": outcome if outcome in ("success", "failure") else "unknown",
            "severity": document.risk(row),
            "module": "segment",
            "dataset": document.DATASET,
            "provider": document.SOFTWARE,
            "created": utc_text(document.moment(row, "ingested_at", "occurred_at")),
            **present(
                id=text(row, "event_id"),
                action=text(row, "action"),
                code=text(row, "action_raw"),
                original=text(row, "raw"),
            ),
        },
        **present(
            user=user,
            related=present(user=sorted({str(user[name]) for name in user if name != "target"})),
            organization=present(id=text(row, "workspace_id")),
        ),
        "segment": {
            "audit": present(
                category=text(row, "category"),
                kind=text(row, "kind"),
                actor=present(type=text(row, "actor_type")),
                target=present(type=target_type, **target),
                verified=row.get("verified"),
            )
        },
    }


def notice(item: Notice) -> dict[str, Any]:
    """Return the document of *item*, of kind `alert` if it reports something to investigate."""
    is_alert = item.is_detection
    return {
        **_base(utc_text(item.at), f"{item.title}: {item.text}"),
        "event": {
            "kind": "alert" if is_alert else "event",
            "severity": _NOTICE_SEVERITY.get(item.severity, 1),
            "module": "segment",
            "dataset": document.DATASET,
            "provider": document.SOFTWARE,
            "action": item.kind,
            **present(id=document.clean(item.uid), url=document.clean(item.link)),
        },
        **({"rule": {"name": document.clean(item.title)}} if is_alert else {}),
    }


def _base(time: str, message: str) -> dict[str, Any]:
    return {
        "@timestamp": time,
        "ecs": {"version": VERSION},
        "message": document.clean(message),
        "observer": {"vendor": document.VENDOR, "product": document.PRODUCT},
    }
