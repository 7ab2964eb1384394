"""The actions of the demo workspace, numbered, and what each does to its target.

Forwarded events carry the names seen in captures, the Public API the documented ones.
"""

from dataclasses import dataclass

CREATE, MODIFY, DELETE, DISABLE, ENABLE, FAIL = range(6)

# Resource type: operation: actions. MODIFY includes connect, read and detect.
_TABLE: dict[str, dict[int, tuple[str, ...]]] = {
    "source": {
        CREATE: ("Source Created",),
        MODIFY: (
            "Source Modified", "Source Settings Modified", "Source Connected to Tracking Plan",
            "Source Disconnected From Tracking Plan", "Source Connected To Space",
            "Source Disconnected From Space", "Schema Event Blocked", "Schema Event Archived",
            "Schema Default Edited To Block New Events", "Source Regulation Created",
            "Source Debugger Raw Viewed", "New Event Allowed", "Permission Check",
        ),
        DELETE: ("Source Deleted",), DISABLE: ("Source Disabled",), ENABLE: ("Source Enabled",),
        FAIL: ("Source Run Failed",),
    },
    "integration": {
        CREATE: ("Integrations Created",), MODIFY: ("Integrations Modified",),
        DELETE: ("Integrations Deleted",), DISABLE: ("Integrations Disabled",),
        ENABLE: ("Integrations Enabled",),
    },
    "destination_filter": {
        CREATE: ("Destination Filters Created",), MODIFY: ("Destination Filters Modified",),
        DELETE: ("Destination Filters Deleted",), DISABLE: ("Destination Filter Disabled",),
        ENABLE: ("Destination Filter Enabled",),
    },
    "warehouse": {
        CREATE: ("Warehouses Created",), MODIFY: ("Warehouses Modified",),
        DELETE: ("Warehouses Deleted",), DISABLE: ("Warehouses Disabled",),
        ENABLE: ("Warehouses Enabled",), FAIL: ("Warehouse Run Failed",),
    },
    "warehouse_credential": {
        CREATE: ("Warehouse Credential Created",), MODIFY: ("Warehouse Credential Modified",),
        DELETE: ("Warehouse Credential Deleted",),
    },
    "tracking_plan": {
        CREATE: ("Tracking Plan Created",),
        MODIFY: (
            "Tracking Plan Modified", "Tracking Plan Updated", "Tracking Plan Operations Updated",
            "Tracking Plan New Event Blocked", "Tracking Plan New Event Allowed",
            "Tracking Plan New Track Property Omitted", "Violations Detected",
        ),
        DELETE: ("Tracking Plan Deleted",),
    },
    "space": {MODIFY: ("Space Modified",)},
    "audience": {
        CREATE: ("Audience Created",),
        MODIFY: (
            "Audience Modified", "Audience CSV Downloaded", "Audience Run Forced",
            "Audience Preview Created", "Destination Added into Audience",
        ),
        DELETE: ("Audience Deleted",),
        FAIL: ("Audience Run Failed", "Audience Destination Sync Failed"),
    },
    "computed_trait": {
        CREATE: ("Computed Trait Created",),
        MODIFY: ("Computed Trait Modified", "Computed Trait CSV Downloaded"),
        DELETE: ("Computed Trait Deleted",),
        FAIL: ("Computed Trait Run Failed", "Computed Trait Destination Sync Failed"),
    },
    "warehouse_source": {
        CREATE: ("Engage Warehouse Source Created",), MODIFY: ("Engage Warehouse Source Modified",),
        DELETE: ("Engage Warehouse Source Deleted",),
    },
    "source_function": {
        CREATE: ("Source Function Created",), MODIFY: ("Source Function Modified",),
        DELETE: ("Source Function Deleted",),
    },
    "function": {
        CREATE: ("Destination Function Created",), MODIFY: ("Destination Function Modified",),
        DELETE: ("Destination Function Deleted",),
    },
    "user": {
        CREATE: ("User Invite Accepted", "User Added via SSO"), MODIFY: ("User Policy Updated",),
        DELETE: ("User Removed",),
    },
    "invite": {CREATE: ("User Invite Sent",), DELETE: ("User Invite Deleted",)},
    "user_group": {
        CREATE: ("User Group Created",),
        MODIFY: (
            "User Group Updated", "User Added To User Group", "User Removed From User Group",
            "Subjects Added to Group",
        ),
    },
    "storage_destination": {
        CREATE: ("Storage Destination Created",),
        MODIFY: ("Storage Destination Modified", "Storage Destination Sync Partially Succeeded"),
        FAIL: ("Storage Destination Sync Failed",),
    },
    "profiles_warehouse": {
        MODIFY: ("Profiles Sync Warehouse Updated", "Profiles Sync Warehouse Retrieved"),
        FAIL: ("Profiles Sync Warehouse Sync Failed",),
    },
    "model": {
        CREATE: ("Model Created",),
        MODIFY: ("Model Settings Saved", "Reverse ETL Sync Partial Success"),
        DELETE: ("Model Deleted",), FAIL: ("Reverse ETL Sync Failed",),
    },
    "transformation": {
        CREATE: ("Transformation Created",), MODIFY: ("Transformation Updated",),
        DELETE: ("Transformation Deleted",),
    },
    "label": {CREATE: ("Label Created",), DELETE: ("Label Deleted",)},
    "workspace": {MODIFY: ("Support Access Granted", "Support Login", "Support Access Revoked")},
    # Segment names these areas but publishes no types for them: the catalogue does not know them.
    "journey": {MODIFY: ("Journey Published",)},
    "broadcast": {MODIFY: ("Broadcast Sent",)},
    "consent_category": {CREATE: ("Consent Category Created",)},
}  # fmt: skip
UNKNOWN: tuple[str, ...] = ("Journey Published", "Broadcast Sent", "Consent Category Created")

# Spellings of forwarded events that differ from the documented name.
_FORWARDED = {
    "Integrations ": "Integration ",
    "Warehouses ": "Warehouse ",
    "Destination Filters ": "Destination Filter ",
    "Engage Warehouse": "Personas Warehouse",
    "Source Function Modified": "Source Function Updated",
    "Source Connected to Tracking": "Source Connected To Tracking",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One action of the demo, the resource type it applies to, and its operation."""

    name: str
    forwarded: str
    kind: str
    operation: int


def _forwarded(name: str) -> str:
    for documented, captured in _FORWARDED.items():
        if name.startswith(documented):
            return name.replace(documented, captured, 1)
    return name


ACTS: tuple[Act, ...] = tuple(
    Act(name, _forwarded(name), kind, operation)
    for kind, operations in _TABLE.items()
    for operation, names in operations.items()
    for name in names
)
NUMBER: dict[str, int] = {act.name: number for number, act in enumerate(ACTS)}
# (kind, operation) -> the number of the first action that does that, as a fallback or a follow-up.
FIRST: dict[tuple[str, int], int] = {
    (kind, operation): NUMBER[names[0]]
    for kind, operations in _TABLE.items()
    for operation, names in operations.items()
}
