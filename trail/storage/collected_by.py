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

_CASES = " ".join(f"when '{name}' then '{way}'" for name, way in WAYS.items())
# The way as SQL over the table of batches.
SQL = f"case loader {_CASES} else loader end"
