"""What each role may do: the one table that pages, routes and commands ask.

Separate so that a reader finds every permission in one screen. A page or a route names what it
needs, never a role; what is not named in here is not allowed.
"""

import re

ROLES = ("owner", "reviewer", "manager")

# What may be done, in the words of the screen; and by whom.
CAPABILITIES: dict[str, tuple[str, frozenset[str]]] = {
    "explore": ("See events, the timeline, failures and people", frozenset(ROLES)),
    "export": ("Download events", frozenset(ROLES)),
    "metrics": ("Read counts for monitoring", frozenset(ROLES)),
    "see_findings": ("See unusual changes", frozenset({"owner", "reviewer"})),
    "decide": ("Decide on unusual changes", frozenset({"owner", "reviewer"})),
    "sign_off": ("Sign off a period", frozenset({"owner", "reviewer"})),
    "see_access_log": ("See and download the access log", frozenset({"owner", "reviewer"})),
    "take_evidence": ("Download seals and evidence", frozenset({"owner", "reviewer"})),
    "annotate": ("Write annotations on the timeline", frozenset({"owner"})),
    "configure": ("Connect sources, set alerts, holds and retention", frozenset({"owner"})),
    "manage_users": ("See who may sign in, and the API tokens", frozenset({"owner"})),
}

# What an address needs: the first row that fits counts, by the start of the path.
_READS: tuple[tuple[str, str], ...] = (
    (r"/api/findings(/|$)", "see_findings"),
    (r"/export\.findings\.", "see_findings"),
    (r"/export\.access\.", "see_access_log"),
    (r"/export\.evidence\.", "take_evidence"),
    (r"/api(/|$)", "explore"),
    (r"/export([./]|$)", "export"),
    (r"/metrics/?$", "metrics"),
)
# The same for what changes something; what is not named needs the most.
_WRITES: tuple[tuple[str, str], ...] = (
    (r"/api/(decisions|reviews)(/|$)", "decide"),
    (r"/api/sign-offs(/|$)", "sign_off"),
    (r"/(api|export|metrics)([./]|$)", "configure"),
)
_SAFE = ("GET", "HEAD", "OPTIONS")

# What an API token may be made for: one kind of address each.
SCOPES = ("read", "export")


def may(role: str, capability: str) -> bool:
    """Return whether *role* may do what *capability* names; raises `KeyError` for no capability."""
    return role in CAPABILITIES[capability][1]


def who_may(capability: str) -> frozenset[str]:
    """Return the roles that may do what *capability* names."""
    return CAPABILITIES[capability][1]


def needs(path: str, method: str) -> str | None:
    """Return the capability that an address of ours needs; None where it needs none."""
    rows = _READS if method.upper() in _SAFE else _WRITES
    return next((name for pattern, name in rows if re.match(pattern, path)), None)


def scope_of(path: str) -> str:
    """Return the scope that a token needs for *path*, an address that takes tokens."""
    return "export" if path.startswith("/export") else "read"
