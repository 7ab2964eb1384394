"""The ways in which events are collected: the values of the facet `source`.

A loader that is not listed here is its own way; so is `archive`, since an archive does not say.
"""

from collections.abc import Mapping

# By the loader of a batch.
WAYS = {
    "segment_api": "api",
    "webhook": "webhook",
    "tracking_api": "tracking",
    "s3": "s3",
    "folder": "folder",
    **dict.fromkeys(("json", "csv", "parquet"), "file"),
}

# What people read for each way.
NAMES: Mapping[str, str] = {
    "api": "Segment Public API",
    "webhook": "Webhook",
    "tracking": "Tracking API",
    "s3": "S3 bucket",
    "folder": "Watched folder",
    "file": "Loaded file",
    "quarantine": "Retried from quarantine",
    "archive": "Archive",
    "demo": "Demo workspace",
}

# Between the name of a loader and that of its workspace: `segment_api:eu`.
WORKSPACE_MARK = ":"

_CASES = " ".join(f"when '{name}' then '{way}'" for name, way in WAYS.items())
# The way as SQL over the table of batches.
SQL = f"case split_part(loader, '{WORKSPACE_MARK}', 1) {_CASES} else loader end"


def way_of(loader: str) -> str:
    """Return the ingestion method of a batch by its *loader*; see `SQL`."""
    return WAYS.get(loader.partition(WORKSPACE_MARK)[0], loader)


def title(loader: str, workspaces: Mapping[str, str]) -> str:
    """Return how events of *loader* were collected, in words, and of which workspace.

    *workspaces* are the names of workspaces by loader; see `workspaces.of_sources`.
    """
    name = NAMES.get(way_of(loader), loader)
    workspace = workspaces.get(loader) or loader.partition(WORKSPACE_MARK)[2]
    return f"{name} ({workspace})" if workspace else name
