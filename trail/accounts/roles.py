"""Permissions of each role, for pages, routes and commands.

Pages and routes name a capability, never a role. Anything that is not listed here is denied.
"""

import re
from collections.abc import Iterable

ROLES = ("owner", "reviewer", "manager", "viewer", "auditor")
# Roles whose access must have an end.
TIME_LIMITED = frozenset({"auditor"})
_STAFF = frozenset({"owner", "reviewer", "manager"})
_REVIEWERS = frozenset({"owner", "reviewer"})
_REVIEW_READERS = _REVIEWERS | {"auditor"}

# Label and roles of each capability.
CAPABILITIES: dict[str, tuple[str, frozenset[str]]] = {
    "explore": ("View events, timeline, failures and people", frozenset(ROLES)),
    "export": ("Download events", _STAFF | {"auditor"}),
    "metrics": ("Read metrics", _STAFF),
    "see_findings": ("View unusual changes", _REVIEW_READERS),
    "decide": ("Review unusual changes", _REVIEWERS),
    "triage": ("Assign, mute and comment on problems", _REVIEWERS),
    "sign_off": ("Sign off a period", _REVIEWERS),
    "see_access_log": ("View and download the access log", _REVIEW_READERS),
    "take_evidence": ("Download seals and evidence", _REVIEW_READERS),
    "annotate": ("Write annotations on the timeline", frozenset({"owner"})),
    "configure": ("Configure sources, alerts, legal holds and retention", frozenset({"owner"})),
    "manage_users": ("Manage users and API tokens", frozenset({"owner"})),
}

# Capability by path for reading; the first matching row counts.
_READS: tuple[tuple[str, str], ...] = (
    (r"/api/findings(/|$)", "see_findings"),
    (r"/export\.findings\.", "see_findings"),
    (r"/export\.access\.", "see_access_log"),
    (r"/export\.(evidence|certificate)\.", "take_evidence"),
    (r"/api(/|$)", "explore"),
    (r"/s/", "explore"),
    (r"/export([./]|$)", "export"),
    (r"/metrics/?$", "metrics"),
    (r"/uploads(/|$)", "configure"),
)
# The same for changes; unlisted paths need `configure`.
_WRITES: tuple[tuple[str, str], ...] = (
    # Tools are called there by POST; each call reads a path below `/api`.
    (r"/mcp/?$", "explore"),
    (r"/api/(decisions|reviews)(/|$)", "decide"),
    (r"/api/sign-offs(/|$)", "sign_off"),
    (r"/(api|export|metrics|uploads)([./]|$)", "configure"),
)
_SAFE = ("GET", "HEAD", "OPTIONS")

# Scopes of API tokens, one per kind of path.
SCOPES = ("read", "export")


def may(role: str, capability: str) -> bool:
    """Return whether *role* has *capability*; raises `KeyError` for an unknown capability."""
    return role in CAPABILITIES[capability][1]


def who_may(capability: str) -> frozenset[str]:
    """Return the roles that have *capability*."""
    return CAPABILITIES[capability][1]


def covers(role: str, other: str) -> bool:
    """Return whether *role* has every capability of the role *other*."""
    return all(role in allowed for _, allowed in CAPABILITIES.values() if other in allowed)


def needs(path: str, method: str) -> str | None:
    """Return the capability that *path* needs; None if it needs none."""
    rows = _READS if method.upper() in _SAFE else _WRITES
    return next((name for pattern, name in rows if re.match(pattern, path)), None)


def needed_by_filter(names: Iterable[str]) -> str | None:
    """Return the capability that a query string with these *names* needs besides that of its path.

    Only who sees findings may ask which events are behind them.
    """
    return "see_findings" if "findings" in names else None


def scope_of(path: str) -> str:
    """Return the scope that a token needs for *path*."""
    return "export" if path.startswith("/export") else "read"
