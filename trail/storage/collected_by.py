"""The ways in which events are collected: the values of the facet `source`.

A loader that is not listed here is its own way; so is `archive`, since an archive does not say.
"""

# By the loader of a batch.
WAYS = {
    "segment_api": "api",
    "webhook": "webhook",
    "tracking_api": "tracking",
    "s3": "s3",
    "folder": "folder",
    **dict.fromkeys(("json", "csv", "parquet"), "file"),
}

_CASES = " ".join(f"when '{name}' then '{way}'" for name, way in WAYS.items())
# The way as SQL over the table of batches.
SQL = f"case loader {_CASES} else loader end"
