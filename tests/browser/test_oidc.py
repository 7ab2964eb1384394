"""Sign-in with an OpenID provider: roles by claim, refused tokens, and the end of a session."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, Site, serving
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from trail.accounts.users import Users

pytestmark = pytest.mark.browser

RITA = {"email": "rita@example.com", "email_verified": True, "name": "Rita", "roles": ["audit"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as running:
        yield running


def settings_for(provider: Provider) -> dict[str, str]:
    return {
        "TRAIL_STORE__DEMO": "never",
        "TRAIL_AUTH__OIDC_METADATA_URL": f"{provider.url}/.well-known/openid-configuration",
        "TRAIL_AUTH__OIDC_CLIENT_ID": CLIENT_ID,
        "TRAIL_AUTH__OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "TRAIL_AUTH__OIDC_ROLES": json.dumps({"audit": "reviewer", "admins": "owner"}),
        "TRAIL_AUTH__OIDC_LABEL": "Example ID",
        "TRAIL_AUTH__OIDC_PROMPT": "login",
    }


@pytest.fixture(scope="module")
def served(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("oidc")  # without a users file: nobody needs one
    with serving(folder, **settings_for(provider)) as running:
        yield running


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


@pytest.fixture
def context(shared: BrowserContext) -> Iterator[BrowserContext]:
    """Return a browser context without cookies; its page stays, with the compiled scripts."""
    shared.clear_cookies()
    yield shared
    for page in shared.pages:
        page.evaluate("sessionStorage.clear()")
        page.goto("about:blank")


def visit(site: Site, context: BrowserContext, path: str) -> Page:
    """Open *path* in the page of the context."""
    page = context.pages[0] if context.pages else context.new_page()
    page.goto(site.url + path)
    return page


def press(site: Site, context: BrowserContext, path: str = "/") -> Page:
    page = visit(site, context, path)
    page.get_by_role("button", name="Sign in with Example ID").click()
    return page


def log(site: Site, context: BrowserContext) -> list[dict[str, str]]:
    """Return the access log, newest first, as its reader downloads it."""
    answer = context.request.get(f"{site.url}/export.access.csv")
    assert answer.ok
    return list(csv.DictReader(answer.text().splitlines()))


def streamlit_cookies(context: BrowserContext) -> list[str]:
    return [
        cookie["name"] for cookie in context.cookies() if cookie["name"].startswith("_streamlit_u")
    ]


def test_role_by_claim(served: Site, provider: Provider, context: BrowserContext) -> None:
    provider.signs_in(**RITA)
    page = press(served, context, "/explore?from=30d&action=Warehouse+Deleted")
    expect(page.locator(".trail-summary").first).to_be_visible()
    assert "/explore?" in page.url
    assert "action=Warehouse" in page.url
    assert provider.requests[-1]["prompt"] == "login"
    expect(page.get_by_role("link", name="Unusual").first).to_be_visible()
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)
    page.goto(f"{served.url}/admin")
    expect(page.get_by_text("The role reviewer has no access to")).to_be_visible()
    page.goto(f"{served.url}/account")
    expect(page.get_by_text("Username oidc:rita@example.com, role reviewer")).to_be_visible()
    assert streamlit_cookies(context) == []
    entry = next(item for item in log(served, context) if item["kind"] == "signed_in")
    assert (entry["username"], entry["role"]) == ("oidc:rita@example.com", "reviewer")
    assert entry["what"] == "by provider"


def test_passwords_are_hidden(served: Site, context: BrowserContext) -> None:
    page = visit(served, context, "/")
    expect(page.get_by_role("button", name="Sign in with Example ID")).to_be_visible()
    expect(page.get_by_role("textbox", name="Password")).to_have_count(0)


def test_passwords_and_provider_together(
    tmp_path: Path, provider: Provider, context: BrowserContext, browser: Browser
) -> None:
    Users(tmp_path / "users.yaml").add("maya", "Maya", "", "owner", PASSWORD)
    provider.signs_in(**RITA)
    with serving(tmp_path, TRAIL_AUTH__PASSWORDS="true", **settings_for(provider)) as site:
        page = visit(site, context, "/account")
        page.get_by_role("textbox", name="Username").fill("maya")
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_text("Username maya, role owner")).to_be_visible()
        another = browser.new_context()
        page = press(site, another, "/account")
        expect(page.get_by_text("Username oidc:rita@example.com, role reviewer")).to_be_visible()
        another.close()


def test_account_without_a_role(served: Site, provider: Provider, context: BrowserContext) -> None:
    provider.signs_in(**RITA | {"roles": ["sales"]})
    page = press(served, context)
    expect(
        page.get_by_text("No role is assigned to your account. Ask an owner of this workspace.")
    ).to_be_visible()
    assert page.request.get(f"{served.url}/auth/alive").status == 401


def test_account_with_the_name_of_a_local_user(
    served: Site, provider: Provider, context: BrowserContext
) -> None:
    provider.signs_in(sub="maya", roles="audit")
    page = press(served, context, "/account")
    expect(page.get_by_text("Username oidc:maya, role reviewer")).to_be_visible()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"wrong_key": True}, "The sign-in failed"),
    ({"refuses": True}, "The sign-in failed"),
    ({"away": True}, "The identity provider is unreachable"),
    ({"token_changes": {"nonce": "another"}}, "The sign-in failed"),
    ({"token_changes": {"aud": "another"}}, "The sign-in failed"),
    ({"token_changes": {"iss": "https://example.com"}}, "The sign-in failed"),
    # These two pass the checks of Streamlit and Authlib.
    ({"token_changes": {"aud": "another", "azp": CLIENT_ID}}, "is for another application"),
    ({"token_changes": {"iat": 1_700_000_000}}, "This sign-in is too old"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_invalid_sign_in_is_refused(
    served: Site, provider: Provider, context: BrowserContext, changes: dict[str, Any], message: str
) -> None:
    provider.signs_in(**RITA)
    for name, value in changes.items():
        setattr(provider, name, value)
    page = press(served, context)
    expect(page.get_by_text(message)).to_be_visible()
    assert page.request.get(f"{served.url}/auth/alive").status == 401


def test_forged_claims_are_ignored(
    served: Site, provider: Provider, context: BrowserContext, browser: Browser
) -> None:
    provider.signs_in(**RITA | {"roles": "admins"})
    owner = browser.new_context()
    page = press(served, owner, "/admin")
    expect(page.get_by_role("heading", name="Admin").first).to_be_visible()
    kept = served.environment["TRAIL_AUTH__USERS_PATH"]
    stored = json.loads(Path(kept).with_name("sessions.json").read_text())
    sids = [key for key, item in stored.items() if item["role"] == "owner"]
    assert sids
    provider.signs_in(sub="eve", sid=sids[0], username="oidc:rita@example.com")
    page = press(served, context, "/admin")
    expect(page.get_by_text("No role is assigned to your account")).to_be_visible()
    expect(page.get_by_role("heading", name="Admin")).to_have_count(0)
    httpx2.get(f"{served.url}/oauth2callback?code=x&state=y")
    refused = [item for item in log(served, owner) if item["kind"] == "sign_in_refused"]
    message = {(item["username"], item["what"]) for item in refused}
    assert ("oidc:eve", "by provider: no role for this account") in message
    assert ("", "response of the provider rejected") in message
    assert CLIENT_SECRET not in str(refused)
    owner.close()


def test_old_cookies_are_useless_after_sign_out(
    served: Site, provider: Provider, context: BrowserContext, browser: Browser
) -> None:
    provider.signs_in(**RITA)
    taken: list[dict[str, str]] = []

    def take(response: Any) -> None:
        if "/oauth2callback" in response.url:
            taken.extend(response.headers_array())

    context.on("response", take)
    page = press(served, context, "/account")
    expect(page.get_by_text("role reviewer")).to_be_visible()
    context.remove_listener("response", take)
    ours = [cookie for cookie in context.cookies() if cookie["name"].startswith("audit_")]
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("button", name="Sign in with Example ID")).to_be_visible()

    lines = [item["value"] for item in taken if item["name"].lower() == "set-cookie"]
    theirs = [line for line in lines if line.startswith("_streamlit_user")]
    assert theirs
    assert all("Max-Age=300" in line for line in theirs)
    thief = browser.new_context()
    pairs = [line.split(";")[0].partition("=") for line in theirs]
    thief.add_cookies(
        [{"name": name, "value": value, "url": served.url} for name, _, value in pairs]
    )
    thief.add_cookies(ours)  # type: ignore[arg-type]
    page = visit(served, thief, "/explore")
    expect(page.get_by_text("This sign-in was already used.")).to_be_visible()
    assert page.request.get(f"{served.url}/auth/alive").status == 401
    thief.close()


def test_requests_from_other_sites_are_refused(served: Site) -> None:
    asked = httpx2.get(f"{served.url}/auth/logout")
    assert asked.status_code == 404
    from_elsewhere = {"sec-fetch-site": "cross-site"}
    asked = httpx2.get(f"{served.url}/auth/login?provider=x", headers=from_elsewhere)
    assert asked.status_code == 403
    asked = httpx2.get(f"{served.url}/oauth2callback?code=x&state=y")
    assert (asked.status_code, asked.headers["location"]) == (302, "/?sign-in=refused")


@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout", "/oauth2callback", "/auth/login/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_provider_routes_are_missing_without_a_provider(site: Site, path: str, method: str) -> None:
    assert httpx2.request(method, f"{site.url}{path}?provider=x").status_code == 404
