"""Kinds of failing jobs: the actions that report failed runs of the same kind of job."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its name in URLs, its title, what one job is called, and its actions."""

    name: str
    title: str
    job: str
    actions: tuple[str, ...]


KINDS = (
    Kind(
        "warehouse",
        "Warehouse runs",
        "run",
        (
            "Warehouse Run Failed",
            "Storage Destination Sync Failed",
            "Storage Destination Sync Partially Succeeded",
            "Profiles Sync Warehouse Sync Failed",
        ),
    ),
    Kind(
        "sync",
        "Audience and trait syncs",
        "sync",
        (
            "Audience Run Failed",
            "Audience Destination Sync Failed",
            "Computed Trait Run Failed",
            "Computed Trait Destination Sync Failed",
        ),
    ),
    Kind(
        "reverse-etl",
        "Reverse ETL syncs",
        "sync",
        ("Reverse ETL Sync Failed", "Reverse ETL Sync Partial Success"),
    ),
    Kind("source", "Source runs", "run", ("Source Run Failed",)),
)
# Whatever else fails.
OTHER = Kind("other", "Other failures", "run", ())

_BY_ACTION = {action: kind for kind in KINDS for action in kind.actions}


def kind_of(action: str) -> Kind:
    """Return the kind of job whose failure *action* is."""
    return _BY_ACTION.get(action, OTHER)
