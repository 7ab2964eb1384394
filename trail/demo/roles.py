"""Roles of the demo workspace: share of the staff, pace and habits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """``share`` of the staff, ``pace`` against an average colleague, ``habits`` as weights."""

    share: float
    pace: float
    habits: dict[str, float]


ROLES: dict[str, Role] = {
    "owner": Role(0.06, 0.8, {
        "User Invite Sent": 12, "User Invite Deleted": 2, "User Policy Updated": 8,
        "User Group Updated": 4, "User Group Created": 1, "User Added To User Group": 14,
        "User Removed From User Group": 5, "User Removed": 3, "Subjects Added to Group": 4,
        "Space Modified": 4, "Source Modified": 5, "Integrations Modified": 4,
        "Support Access Granted": 1, "Support Access Revoked": 0.7, "Warehouses Modified": 1,
        "Label Created": 1,
    }),
    "data engineer": Role(0.18, 1.0, {
        "Warehouses Modified": 14, "Warehouses Created": 0.7, "Warehouses Deleted": 0.4,
        "Warehouses Disabled": 1.4, "Warehouse Credential Modified": 4,
        "Warehouse Credential Created": 1.5, "Warehouse Credential Deleted": 0.8,
        "Source Modified": 20, "Source Settings Modified": 8, "Source Created": 2.5,
        "Source Deleted": 1, "Source Disabled": 1.5, "Model Settings Saved": 3,
        "Model Created": 0.8, "Model Deleted": 0.3, "Profiles Sync Warehouse Updated": 1.5,
        "Engage Warehouse Source Modified": 2.5, "Engage Warehouse Source Created": 0.6,
        "Engage Warehouse Source Deleted": 0.3, "Storage Destination Modified": 2,
        "Source Function Modified": 3, "Source Function Created": 0.5, "Tracking Plan Updated": 2,
        "Transformation Updated": 1,
    }),
    "implementation developer": Role(0.27, 1.3, {
        "Source Modified": 26, "Source Settings Modified": 9, "Source Created": 3,
        "Source Deleted": 1.2, "Source Disabled": 2, "Source Connected to Tracking Plan": 2.5,
        "Source Disconnected From Tracking Plan": 0.5, "Schema Event Blocked": 1,
        "Integrations Modified": 22, "Integrations Created": 3, "Integrations Deleted": 1.6,
        "Integrations Disabled": 3, "Destination Filters Created": 1.6,
        "Destination Filters Modified": 4, "Destination Filters Deleted": 0.7,
        "Destination Filter Disabled": 1, "Destination Function Modified": 6,
        "Destination Function Created": 0.8, "Destination Function Deleted": 0.4,
        "Source Function Modified": 3, "Source Function Deleted": 0.2, "Tracking Plan Modified": 8,
        "Transformation Created": 0.6, "Transformation Updated": 1.2, "Label Created": 0.3,
    }),
    "marketer": Role(0.21, 1.0, {
        "Audience Modified": 22, "Audience Created": 4, "Audience Deleted": 2,
        "Audience CSV Downloaded": 0.8, "Audience Preview Created": 4, "Audience Run Forced": 1,
        "Computed Trait Modified": 6, "Computed Trait Created": 1.2, "Computed Trait Deleted": 0.5,
        "Destination Added into Audience": 3, "Integrations Modified": 8,
        "Integrations Created": 0.8, "Source Connected To Space": 0.7,
        "Source Disconnected From Space": 0.2, "Journey Published": 0.5, "Broadcast Sent": 0.5,
    }),
    "analyst": Role(0.18, 0.8, {
        "Tracking Plan Modified": 18, "Tracking Plan Updated": 7, "Tracking Plan Created": 1,
        "Tracking Plan Deleted": 0.3, "Tracking Plan Operations Updated": 3,
        "Source Connected to Tracking Plan": 3, "Source Disconnected From Tracking Plan": 0.4,
        "Computed Trait Modified": 4, "Computed Trait Created": 1, "Audience Preview Created": 3,
        "Source Modified": 5, "Schema Event Archived": 1.2, "Source Debugger Raw Viewed": 0.8,
        "Model Settings Saved": 1.5,
    }),
    "privacy": Role(0.04, 0.7, {
        "Destination Filters Created": 4, "Destination Filters Modified": 8,
        "Destination Filters Deleted": 0.4, "Destination Filter Disabled": 1,
        "Schema Event Blocked": 3, "Schema Default Edited To Block New Events": 0.6,
        "Source Regulation Created": 3, "Consent Category Created": 0.4,
        "User Policy Updated": 3, "Tracking Plan Modified": 4, "Source Debugger Raw Viewed": 1,
    }),
    "contractor": Role(0.06, 0.9, {
        "Source Modified": 14, "Source Settings Modified": 4, "Integrations Modified": 12,
        "Integrations Created": 1.5, "Audience Modified": 5, "Audience Preview Created": 2,
        "Destination Function Modified": 3, "Tracking Plan Modified": 4,
    }),
}  # fmt: skip
