"""The gate in front of Streamlit's sign-in routes, with simulated responses of Streamlit."""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from trail.runtime import process
from trail.runtime.process import Runtime
from trail.web.guard import Guard
from trail.web.oidc_gate import ProviderGate

URL = "https://id.example.com/.well-known/openid-configuration"


async def login(request: Request) -> Response:
    failed = request.query_params.get("provider") == "away"
    return Response("Authentication error", 400) if failed else RedirectResponse(URL, 302)


async def callback(request: Request) -> Response:
    answer = RedirectResponse("/", 302)
    answer.set_cookie("_streamlit_session", "state", max_age=1_209_600)
    if request.query_params.get("code") == "good":
        for name in ("_streamlit_user", "_streamlit_user_1", "_streamlit_user_tokens"):
            answer.set_cookie(name, "signed", max_age=2_592_000, httponly=True)
    else:
        answer.delete_cookie("_streamlit_user")
    return answer


@pytest.fixture
def client(
    start: Callable[..., Runtime], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., TestClient]:
    app = Starlette(
        routes=[
            Route("/auth/login", login),
            Route("/auth/logout", callback),
            Route("/oauth2callback", callback),
        ],
        middleware=[Middleware(Guard), Middleware(ProviderGate)],
    )

    def made(url: str, **server: object) -> TestClient:
        monkeypatch.setenv("TRAIL_AUTH__OIDC_METADATA_URL", url)
        start(**server)
        assert process.current().settings.auth.by_provider is bool(url)
        return TestClient(app, base_url="http://localhost:8501", follow_redirects=False)

    return made


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login/", "/auth/logout", "/oauth2callback"])
def test_provider_routes_are_missing_without_a_provider(
    client: Callable[..., TestClient], path: str
) -> None:
    answer = client("").get(f"{path}?code=good")
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_login_is_refused_from_other_sites(client: Callable[..., TestClient]) -> None:
    ours = client(URL)
    for site, status in (("same-origin", 302), ("cross-site", 403), ("same-site", 403)):
        answer = ours.get("/auth/login", headers={"sec-fetch-site": site})
        assert answer.status_code == status
    answer = ours.get("/auth/login?provider=away")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?sign-in=unreachable")
    assert answer.text == ""
    assert ours.get("/auth/logout").status_code == 404


@pytest.mark.parametrize("https", [False, True])
def test_provider_cookies_expire_after_five_minutes(
    client: Callable[..., TestClient], https: bool
) -> None:
    answer = client(URL, https=https).get("/oauth2callback?code=good")
    assert answer.headers["location"] == "/"
    state, *theirs = answer.headers.get_list("set-cookie")
    assert "Max-Age=1209600" in state
    assert len(theirs) == 3
    for line in theirs:
        assert line.startswith("_streamlit_user")
        assert line.count("Max-Age=") == 1
        assert "; Max-Age=300" in line
        assert "; HttpOnly" in line
        assert line.endswith("; Secure") is https


def test_refused_callback_redirects_to_the_form(client: Callable[..., TestClient]) -> None:
    answer = client(URL).get("/oauth2callback?code=bad")
    assert answer.headers["location"] == "/?sign-in=refused"
    assert "Max-Age=0" in answer.headers["set-cookie"]
