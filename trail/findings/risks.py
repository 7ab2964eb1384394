"""The risk of each action: the catalogue's value and versioned overrides."""

from typing import Any

from trail.core import catalogue
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

# The newest override of each action, unless it was reset.
OVERRIDDEN = """
select action, risk from risk_overrides
qualify row_number() over (partition by action order by version desc) = 1 and risk is not null
"""


def version(cursor: Cursor) -> int:
    """Return the number of the newest override; 0 if there is none."""
    return int(
        cursor.execute("select coalesce(max(version), 0) from risk_overrides").fetchall()[0][0]
    )


def set_risk(store: Store, action: str, risk: int | None, reason: str, made_by: str) -> int:
    """Override the risk (0–10) of *action*; None resets it to the catalogue's value.

    Returns the new version. The next refresh scores all findings with it. Raises `InputError` for
    an invalid risk, an empty name or no reason.
    """
    name = catalogue.resolve(action).name if action.strip() else ""
    if not name:
        raise InputError("The action is missing.", "Enter the name of an action.")
    if risk is not None and not 0 <= risk <= 10:
        raise InputError(f"Invalid risk {risk}.", "Allowed: a whole number from 0 to 10.")
    if not reason.strip():
        raise InputError("The reason is missing.", "Enter why the risk is changed.")

    def job(cursor: Cursor) -> int:
        number = version(cursor) + 1
        with ledger.changing(cursor, "risk_overrides", "version = $version", {"version": number}):
            cursor.execute(
                "insert into risk_overrides values ($version, $action, $risk, $reason, $by, $now)",
                {
                    "version": number,
                    "action": name,
                    "risk": risk,
                    "reason": reason.strip(),
                    "by": made_by,
                    "now": utc_now(),
                },
            )
        return number

    return store.write(job)


def history(engine: Engine) -> list[dict[str, Any]]:
    """Return all overrides, newest first: version, action, risk, reason, made_by, made_at (UTC)."""
    return list(engine.table("select * from risk_overrides order by version desc").to_pylist())


def current(engine: Engine) -> list[dict[str, Any]]:
    """Return the current risk of all known and recorded actions, riskiest first.

    Each has action, risk, catalogue (the catalogue's value) and version (None without override).
    """
    catalogued = {action.name: action.risk for action in catalogue.ACTIONS}
    for row in engine.table("select distinct action, risk from actions").to_pylist():
        catalogued.setdefault(row["action"], row["risk"])
    overrides = {row["action"]: row for row in reversed(history(engine))}
    rows = []
    for name in {*catalogued, *overrides}:
        default = catalogued.get(name, catalogue.resolve(name).risk)
        override = overrides.get(name)
        active = override if override and override["risk"] is not None else None
        rows.append(
            {
                "action": name,
                "risk": active["risk"] if active else default,
                "catalogue": default,
                "version": active["version"] if active else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["risk"], row["action"]))
