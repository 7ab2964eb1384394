"""The risk of each action: the catalogue's, and what people set over it, version by version.

Separate because people edit it, and every finding says by which version it was scored.
"""

from typing import Any

from trail import catalogue
from trail.errors import InputError
from trail.store import Cursor, Engine, Store, utc_now


def version(cursor: Cursor) -> int:
    """Return the number of the newest change; 0 is the catalogue alone."""
    return int(
        cursor.execute("select coalesce(max(version), 0) from risk_overrides").fetchall()[0][0]
    )


def put(store: Store, action: str, risk: int | None, reason: str, made_by: str) -> int:
    """Set the risk (0–10) of *action* from now on, None to give back the catalogue's.

    Returns the new version. All that is kept is scored by it at the next refresh. Raises
    `InputError` for another number, an empty name or no reason.
    """
    name = catalogue.resolve(action).name if action.strip() else ""
    if not name:
        raise InputError("No action is named.", "Give the action's name.")
    if risk is not None and not 0 <= risk <= 10:
        raise InputError(f"Risk {risk} is not 0 to 10.", "Give a whole number from 0 to 10.")
    if not reason.strip():
        raise InputError("No reason is given.", "Say why, for those who read it later.")

    def job(cursor: Cursor) -> int:
        number = version(cursor) + 1
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
    """Return every change, newest first: version, action, risk, reason, made_by, made_at (UTC)."""
    return list(engine.table("select * from risk_overrides order by version desc").to_pylist())


def table(engine: Engine) -> list[dict[str, Any]]:
    """Return the risks in force of the catalogue's actions and those seen, riskiest first.

    Each has action, risk, catalogue (its own risk), and version (None where it was not changed).
    """
    own = {action.name: action.risk for action in catalogue.ACTIONS}
    seen = engine.table("select distinct action, risk from actions").to_pylist()
    own |= {row["action"]: row["risk"] for row in seen if row["action"] not in own}
    changed: dict[str, dict[str, Any]] = {}
    for row in reversed(history(engine)):
        changed[row["action"]] = row
    rows = []
    for name in sorted({*own, *changed}):
        over = changed.get(name)
        standard = own.get(name, catalogue.resolve(name).risk)
        set_ = over is not None and over["risk"] is not None
        rows.append(
            {
                "action": name,
                "risk": over["risk"] if over and set_ else standard,
                "catalogue": standard,
                "version": over["version"] if over and set_ else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["risk"], row["action"]))
