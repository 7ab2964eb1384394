"""Events in the ArcSight Common Event Format (CEF) version 0: one line of text.

Header fields and extension values are escaped differently; neither can contain a line break or
another control character, so no event can add a field, a line or a record.
"""

from collections.abc import Mapping

from trail.core.event_text import sentence
from trail.core.text import printable
from trail.events import document
from trail.events.document import Notice, Row, text

_MAX_NAME, _MAX_VALUE = 512, 1023
_NOTICE_SEVERITY = {"info": 3, "warning": 6, "critical": 10}
# The custom strings of the extension, by label.
_CUSTOM = ("targetType", "targetId", "targetName", "workspaceId", "category", "actorType")


def event(row: Row) -> str:
    """Return the line of *row* without a line break; the severity is the risk from 0 to 10."""
    at = document.moment(row, "occurred_at", "ingested_at")
    target = {"targetType": "target_type", "targetId": "target_id", "targetName": "target_name"}
    source = {**target, "workspaceId": "workspace_id", "actorType": "actor_type"}
    custom = {label: text(row, source.get(label, label)) for label in _CUSTOM}
    fields = {
        "rt": str(document.milliseconds(at)),
        "externalId": text(row, "event_id"),
        "act": text(row, "kind"),
        "outcome": text(row, "outcome"),
        "suid": text(row, "actor_id"),
        "suser": text(row, "actor_email") or text(row, "actor_name") or text(row, "actor"),
        "msg": sentence(row),
    }
    for number, (label, value) in enumerate(custom.items(), start=1):
        if value:
            fields |= {f"cs{number}": value, f"cs{number}Label": label}
    action = text(row, "action") or "Unknown action"
    return _line(text(row, "action_raw") or action, action, document.risk(row), fields)


def notice(item: Notice) -> str:
    """Return the line of *item* without a line break."""
    fields = {
        "rt": str(document.milliseconds(item.at)),
        "externalId": item.uid,
        "cat": item.kind,
        "msg": item.text,
        "request": item.link,
    }
    return _line(item.kind, item.title, _NOTICE_SEVERITY.get(item.severity, 3), fields)


def _line(signature: str, name: str, severity: int, fields: Mapping[str, str]) -> str:
    head = "|".join(
        (
            document.VENDOR,
            document.PRODUCT,
            "1",
            _in_header(signature),
            _in_header(name),
            str(severity),
        )
    )
    extension = " ".join(f"{key}={_in_extension(value)}" for key, value in fields.items() if value)
    return f"CEF:0|{head}|{extension}"


def _in_header(value: str) -> str:
    plain = printable(value[:_MAX_NAME], " ").strip()
    return plain.replace("\\", "\\\\").replace("|", "\\|")


def _in_extension(value: str) -> str:
    """Return *value* with line breaks as `\\n` and other control characters as spaces."""
    lines = value[:_MAX_VALUE].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    plain = (printable(one, " ").replace("\\", "\\\\").replace("=", "\\=") for one in lines)
    return "\\n".join(plain).strip()
