"""What the columns of events are called on screen, and in a CSV with these titles."""

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "event_id": "Event ID",
    "occurred_at": "Time",
    "ingested_at": "Received",
    "action": "Action",
    "action_raw": "Received action",
    "category": "Category",
    "kind": "Kind",
    "outcome": "Outcome",
    "risk": "Risk",
    "actor": "Actor",
    "recorded_actor": "Recorded actor",
    "recorded_as": "Recorded as",
    "actor_id": "Actor ID",
    "actor_type": "Actor type",
    "actor_email": "Email",
    "actor_name": "Actor name",
    "target": "Target",
    "target_type": "Target type",
    "target_id": "Target ID",
    "target_name": "Target name",
    "workspace_id": "Workspace",
    "verified": "Verified",
    "raw": "Record",
    "recorded_actor_id": "Recorded actor ID",
}
