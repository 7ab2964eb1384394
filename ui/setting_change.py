"""Setting changes by owners on pages: the role check, the change, and the access-log entry."""

from typing import Any

from trail.runtime import configuration
from trail.runtime.configuration import Change, Editable
from ui import text, url_state
from ui.audit import record_action
from ui.page import acting_user


def change(name: str, value: Any, **seen: Any) -> Change:
    """Set *name* to *value* (JSON) and record the user; for *seen*, see `configuration.change`.

    Raises `InputError` for users without permission, and the errors of `configuration.change`.
    """
    user = acting_user("configure")
    done = configuration.change(name, value, user.username, **seen)
    record_action("settings", user, name, f"{done.before} → {done.after}")
    return done


def reset(name: str) -> Change:
    """Remove the stored value of *name* and record the user; raises like `change`."""
    user = acting_user("configure")
    done = configuration.reset(name)
    record_action("settings", user, name, f"{done.before} → {done.after}")
    return done


def origin(setting: Editable) -> str:
    """Return who last changed *setting* and when, or its source, or an empty string."""
    if setting.fixed_by:
        return f"Set by {setting.fixed_by}"
    if not setting.by:
        return ""
    at = text.timestamp(setting.changed_at(), url_state.timezone())
    return f"Changed by {setting.by}, {at}"
