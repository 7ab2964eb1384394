"""The names of peer groups: "6 other people who mostly manage audiences and traits".

A peer group is a category of the catalogue, or `token` or `unknown`; see `history`.
"""

from trail.core.text import one_line

_RESOURCES = {
    "Source": "sources",
    "Integrations": "integrations",
    "Protocols": "tracking plans",
    "Engage": "audiences and traits",
    "Access Management": "users and permissions",
    "Warehouses": "warehouses",
    "Functions": "functions",
    "Destination Filters": "destination filters",
    "Schema": "schemas",
    "Storage": "storage destinations",
    "Profiles Sync": "Profiles Sync",
    "Reverse ETL": "Reverse ETL models",
    "Transformations": "transformations",
    "Workspace": "workspace settings",
    "Privacy": "privacy regulations",
    "Data Graph": "data graphs",
}
_TYPES = {
    "token": ("other token", "other tokens"),
    "unknown": ("other unidentified actor", "other unidentified actors"),
}


def others(group: str, number: int) -> str:
    """Return *number* other members of *group*: "1 other token", "6 other people who …"."""
    if group in _TYPES:
        return f"{number:,} {_TYPES[group][number != 1]}"
    resources = _RESOURCES.get(group, f"resources of the category {one_line(group, 60)}")
    if number == 1:
        return f"1 other person who mostly manages {resources}"
    return f"{number:,} other people who mostly manage {resources}"
