"""The schemas of the JSON responses (JSON Schema 2020-12), with an example of each.

Objects may have further fields; clients must ignore unknown ones.
"""

from typing import Any

from trail.attention.item import KINDS, URGENCIES
from trail.core.model import ACTOR_TYPES, OUTCOMES
from trail.events import names
from trail.events.column_titles import TITLES
from trail.incidents.grouping import CLASSES
from trail.storage.filters import FACETS
from trail.web.api_route import JSON, Content, Schema
from trail.web.json_errors import BLANK, PROBLEM_TYPES
from trail.web.json_schema import COUNT, FLAG, NUMBER, TEXT, TIME, array, nullable, record

_KNOWN: dict[str, Schema] = {
    "occurred_at": TIME,
    "ingested_at": TIME,
    "outcome": {"type": "string", "enum": list(OUTCOMES)},
    "actor_type": {"type": "string", "enum": list(ACTOR_TYPES)},
    "risk": {"type": ["integer", "null"], "minimum": 0, "maximum": 10},
    "verified": {"type": ["boolean", "null"]},
    "event_id": TEXT,
    "action": TEXT,
}
EVENT = record(
    **{
        name: {**_KNOWN.get(name, nullable(TEXT)), "description": TITLES[name]}
        for name in (*names.LISTED, *names.DERIVED)
    },
    **dict.fromkeys(names.FLAGS, FLAG),
)
_EVENT = {
    **dict.fromkeys(EVENT["properties"]),
    "event_id": "2kM4vYc0pQ",
    "occurred_at": "2026-11-23T14:30:00.000000Z",
    "ingested_at": "2026-11-23T14:30:02.100000Z",
    "action": "Source Deleted",
    "action_raw": "Source Deleted",
    "category": "Source",
    "kind": "delete",
    "outcome": "success",
    "risk": 8,
    "actor_id": "users/maya",
    "actor_type": "user",
    "actor_email": "maya.lind@example.com",
    "target_type": "source",
    "target_id": "src_1",
    "target_name": "Web shop",
    "workspace_id": "example",
    "verified": True,
    "actor": "maya.lind@example.com",
    "recorded_actor": "maya.lind@example.com",
    "unverified": False,
    "future_dated": False,
}
_NOTICES: dict[str, Schema] = {"notices": array(TEXT)}
_COUNTED = array(record(value=TEXT, count=COUNT))

EVENTS = Content(
    JSON,
    record(_NOTICES, events=array(EVENT), next=nullable(TEXT), count=COUNT, unverified=COUNT),
    {"events": [_EVENT], "next": None, "count": 1, "unverified": 0},
)
FACET_COUNTS = Content(
    JSON,
    {"type": "object", "properties": dict.fromkeys(FACETS, _COUNTED) | _NOTICES},
    {"category": [{"value": "Source", "count": 12}], "outcome": [{"value": "failure", "count": 1}]},
)
TIMELINE = Content(
    JSON,
    record(_NOTICES, grain_s=COUNT, bars=array(record(start=TIME, end=TIME, count=COUNT))),
    {
        "grain_s": 3600,
        "bars": [{"start": "2026-11-23T14:00:00Z", "end": "2026-11-23T15:00:00Z", "count": 7}],
    },
)
_LINE = record(
    {"key": TEXT, "number": {"type": "integer"}, "change": TEXT, "note": TEXT}, text=TEXT, path=TEXT
)
DIGEST = Content(
    JSON,
    record(
        title=TEXT,
        cadence={"type": "string", "enum": ["weekly", "daily"]},
        **{
            "from": {"type": "string", "format": "date"},
            "to": {"type": "string", "format": "date"},
        },
        tz=TEXT,
        at=TIME,
        path=TEXT,
        notices=array(_LINE),
        sections=array(record(key=TEXT, title=TEXT, note=TEXT, lines=array(_LINE))),
    ),
    {
        "title": "Weekly digest: Mon 16 – Sun 22 Nov 2026",
        "cadence": "weekly",
        "from": "2026-11-16",
        "to": "2026-11-22",
        "tz": "UTC",
        "at": "2026-11-23T08:00:00Z",
        "path": "/digest?week=2026-11-16&tz=UTC",
        "notices": [],
        "sections": [],
    },
)
SUGGESTIONS = Content(
    JSON,
    record(suggestions=array(record(field=TEXT, value=TEXT, label=TEXT, count=nullable(COUNT)))),
    {
        "suggestions": [
            {"field": "action", "value": "Source Deleted", "label": "Source Deleted", "count": 4}
        ]
    },
)
COMPLETIONS = Content(
    JSON,
    record(
        before=TEXT,
        after=TEXT,
        typed=TEXT,
        fields=array(record(name=TEXT, description=TEXT, values=nullable(COUNT))),
        values=array(record(field=TEXT, value=TEXT, term=TEXT, count=nullable(COUNT))),
        recent=array(TEXT),
        question=nullable(
            record(
                parts=array(record(name=TEXT, excluded=FLAG, label=TEXT)),
                not_understood=array(TEXT),
            )
        ),
    ),
    {
        "before": "",
        "after": "",
        "typed": "",
        "fields": [],
        "values": [{"field": "kind", "value": "delete", "term": "kind:delete", "count": 12}],
        "recent": [],
        "question": None,
    },
)
INCIDENT = record(
    incident_id=TEXT,
    action=TEXT,
    target_type=nullable(TEXT),
    target_id=nullable(TEXT),
    target_name=nullable(TEXT),
    **{"class": {"type": "string", "enum": list(CLASSES)}},
    open=FLAG,
    state=TEXT,
    first_at=TIME,
    last_at=TIME,
    attempts=COUNT,
    text=TEXT,
    owner=nullable(TEXT),
    assignee=nullable(TEXT),
    muted_until=nullable(TIME),
    event_ids=array(TEXT),
    changes_before=array(
        record(event_id=TEXT, occurred_at=TIME, action=TEXT, actor_id=TEXT, text=TEXT)
    ),
)
_INCIDENT = {
    **dict.fromkeys(("target_name", "owner", "assignee", "muted_until")),
    "incident_id": "453adb1cb80876bd",
    "action": "Warehouse Run Failed",
    "target_type": "warehouse",
    "target_id": "whs_1",
    "class": "persistent",
    "open": True,
    "state": "open",
    "first_at": "2026-11-23T10:00:00Z",
    "last_at": "2026-11-23T13:15:00Z",
    "attempts": 10,
    "text": "Warehouse whs_1: 10 failed attempts since Mon 23 Nov 10:00; open (UTC)",
    "event_ids": ["2kM4vYc0pQ"],
    "changes_before": [],
}
INCIDENTS = Content(
    JSON,
    record(
        _NOTICES,
        incidents=array(INCIDENT),
        count=COUNT,
        attempts=COUNT,
        summary={"type": "object"},
    ),
    {"incidents": [_INCIDENT], "count": 1, "attempts": 10, "summary": {"incidents": 1}},
)
FINDING = record(
    finding_id=TEXT,
    day={"type": "string", "format": "date"},
    actor_id=TEXT,
    actor=TEXT,
    title=TEXT,
    score=COUNT,
    reasons=array(record(detector=TEXT, title=TEXT, points={"type": "integer"}, text=TEXT)),
    event_ids=array(TEXT),
    state=TEXT,
    tz=TEXT,
)
_FINDING = {
    "finding_id": "f-466e2da3249d9123",
    "day": "2026-11-23",
    "actor_id": "users/maya",
    "actor": "maya.lind@example.com",
    "title": "maya.lind@example.com downloaded 14 audience lists on Mon 23 Nov",
    "score": 126,
    "reasons": [
        {
            "detector": "burst",
            "title": "Burst",
            "points": 126,
            "text": "14 downloads on one UTC day",
        }
    ],
    "event_ids": ["2kM4vYc0pQ"],
    "state": "open",
    "tz": "UTC",
}
FINDINGS = Content(
    JSON,
    record(_NOTICES, findings=array(FINDING), scored=COUNT, budget=NUMBER, note=TEXT),
    {"findings": [_FINDING], "scored": 8, "budget": 3.0, "note": ""},
)
ONE_INCIDENT = Content(JSON, INCIDENT, _INCIDENT)
ONE_FINDING = Content(JSON, FINDING, _FINDING)
_ACTOR = record(
    actor_id=TEXT,
    actor_type=TEXT,
    name=TEXT,
    email=TEXT,
    state=TEXT,
    events=COUNT,
    changes=COUNT,
    destructive=COUNT,
    first_at=nullable(TIME),
    last_at=nullable(TIME),
    removed_at=nullable(TIME),
    after_removal=COUNT,
)
ACTORS = Content(
    JSON, record(_NOTICES, actors=array(_ACTOR), count=COUNT), {"actors": [], "count": 0}
)
_COVERAGE_STATE: Schema = {"type": "string", "enum": ["watched", "gap", "unknown"]}
COVERAGE = Content(
    JSON,
    record(
        spans=array(
            record(
                start=TIME,
                end=TIME,
                state=_COVERAGE_STATE,
                missing=array(TEXT),
            )
        ),
        known_until=nullable(TIME),
    ),
    {
        "spans": [
            {
                "start": "2026-11-16T00:00:00Z",
                "end": "2026-11-23T00:00:00Z",
                "state": "gap",
                "missing": ["EU production"],
            }
        ],
        "known_until": "2026-11-23T14:30:00Z",
    },
)
ATTENTION = Content(
    JSON,
    record(
        items=array(
            record(
                subject=TEXT,
                kind={"type": "string", "enum": list(KINDS)},
                urgency={"type": "string", "enum": list(URGENCIES)},
                title=TEXT,
                reason=TEXT,
                since=nullable(TIME),
                path=TEXT,
                action=TEXT,
                action_label=TEXT,
                assignee=TEXT,
                muted_until=nullable(TIME),
                count=COUNT,
                tz=TEXT,
            )
        ),
        count=COUNT,
        known_until=nullable(TIME),
    ),
    {"items": [], "count": 0, "known_until": "2026-11-23T14:30:00Z"},
)
VIEWS = Content(
    JSON,
    record(
        views=array(
            record(
                **dict.fromkeys(("view_id", "name", "query", "owner", "owner_name"), TEXT),
                **dict.fromkeys(("built_in", "former_owner", "shared", "starred", "default"), FLAG),
                columns=array(TEXT),
            )
        )
    ),
    {"views": []},
)
HEALTH = Content(
    JSON,
    record({"sources": array({"type": "object"})}, ok=FLAG, problems=array(TEXT)),
    {"ok": True, "problems": []},
)
MEANT_TIME = Content(
    JSON,
    record(**{"from": TEXT}, to=TEXT, start=nullable(TIME), end=nullable(TIME), label=TEXT),
    {
        "from": "2026-11-16",
        "to": "2026-11-23",
        "start": "2026-11-16T00:00:00Z",
        "end": "2026-11-23T00:00:00Z",
        "label": "Mon 16 Nov 00:00 – Mon 23 Nov 00:00, UTC",
    },
)
NEW_EVENTS = Content(JSON, record(count=COUNT, more=FLAG), {"count": 3, "more": False})
OPENAPI = Content(JSON, record(openapi=TEXT, info={"type": "object"}, paths={"type": "object"}))

PROBLEM = record(
    {
        "search": TEXT,
        "start": COUNT,
        "end": COUNT,
        "correction": TEXT,
    },
    type={
        "type": "string",
        "format": "uri-reference",
        "enum": [BLANK, *(problem.uri for problem in PROBLEM_TYPES)],
    },
    title=TEXT,
    status={"type": "integer", "minimum": 400, "maximum": 599},
    detail=TEXT,
    error=TEXT,
    hint=TEXT,
)
PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": BLANK,
    "title": "Bad Request",
    "status": 400,
    "detail": "Invalid limit. Use an integer.",
    "error": "Invalid limit.",
    "hint": "Use an integer.",
}
