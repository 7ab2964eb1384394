"""The role matrix is complete, denies by default, and is the only place that compares roles."""

import re
from pathlib import Path

import pytest

from trail.accounts import roles
from trail.accounts.users import User
from trail.core import registry
from trail.web import access_log_export, api, attention_route, auth, health, metrics, views

ROOT = Path(__file__).parents[3]
EXPECTED = {
    "owner": set(roles.CAPABILITIES),
    "reviewer": {
        *("explore", "export", "metrics", "see_findings", "decide", "triage"),
        *("sign_off", "see_access_log", "take_evidence"),
    },
    "manager": {"explore", "export", "metrics"},
    "viewer": {"explore"},
    "auditor": {"explore", "export", "see_findings", "see_access_log", "take_evidence"},
}


@pytest.mark.parametrize("role", roles.ROLES)
@pytest.mark.parametrize("capability", roles.CAPABILITIES)
def test_role_capability_matrix(role: str, capability: str) -> None:
    """Every change of the matrix must be repeated here, so that it is deliberate."""
    allowed = capability in EXPECTED[role]
    assert roles.may(role, capability) is allowed
    assert User("u", "U", "", role).may(capability) is allowed
    assert (role in roles.who_may(capability)) is allowed


def test_unknown_role_has_no_capabilities_and_unknown_capability_raises() -> None:
    assert not any(roles.may("admin", capability) for capability in roles.CAPABILITIES)
    with pytest.raises(KeyError):
        roles.may("owner", "fly")


def test_every_page_names_a_capability() -> None:
    pages = registry.discover("pages", "PAGE")
    assert {page.capability for page in pages.values()} <= set(roles.CAPABILITIES)
    for page in pages.values():
        assert page.roles == roles.who_may(page.capability)
    assert pages["admin"].capability == pages["connect"].capability == "configure"
    assert pages["access"].capability == "see_access_log"


def test_every_data_route_needs_a_capability() -> None:
    open_to_all = {"/healthz", auth.FINISH, auth.SIGN_OUT, "/auth/alive"}
    for route in (
        *api.ROUTES,
        *attention_route.ROUTES,
        *access_log_export.ROUTES,
        *auth.ROUTES,
        *health.ROUTES,
        *metrics.ROUTES,
        *views.ROUTES,
    ):
        assert (roles.needs(route.path, "GET") is None) is (route.path in open_to_all)


@pytest.mark.parametrize(
    ("path", "method", "needed"),
    [
        ("/api/events", "GET", "explore"),
        ("/api/findings", "HEAD", "see_findings"),
        ("/api/findings/7", "get", "see_findings"),
        ("/api/findings-not", "GET", "explore"),
        ("/export.csv", "GET", "export"),
        ("/export.access.csv", "GET", "see_access_log"),
        ("/export.evidence.zip", "GET", "take_evidence"),
        ("/export.certificate.html", "GET", "take_evidence"),
        ("/metrics", "GET", "metrics"),
        ("/api/decisions", "POST", "decide"),
        ("/api/sign-offs", "POST", "sign_off"),
        ("/api/new-thing", "POST", "configure"),
        ("/api/events", "DELETE", "configure"),
        ("/export.csv", "POST", "configure"),
        ("/explore", "GET", None),
        ("/healthz", "GET", None),
    ],
)
def test_capability_by_path_and_method(path: str, method: str, needed: str | None) -> None:
    assert roles.needs(path, method) == needed


def test_roles_are_compared_only_in_the_roles_module() -> None:
    """Pages, routes and helpers check capabilities; comparing roles would hide a rule."""
    named = re.compile(r"""\.role\s+(==|!=|in|not in)\s|roles=frozenset""")
    for folder in ("pages", "ui", "trail/http"):
        for path in (ROOT / folder).rglob("*.py"):
            result = [line for line in path.read_text().splitlines() if named.search(line)]
            assert all("self.roles" in line for line in result), (path.name, result)
