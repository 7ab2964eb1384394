"""Claims of an OpenID provider: verification, username and role, and unusable settings."""

from typing import Any, get_args

import pytest

from trail.accounts import oidc, roles
from trail.accounts.oidc import RefusedError
from trail.accounts.users import Users
from trail.core.sections import Auth, Forward
from trail.core.settings import Settings

NOW = 1_800_000_000.0
COMPLETE_SETTINGS = {
    "oidc_metadata_url": "https://id.example.com/.well-known/openid-configuration",
    "oidc_client_id": "trail",
    "oidc_client_secret": "s3cret-of-the-tests",
    "oidc_roles": {"admins": "owner", "audit": "reviewer", "ops": "manager"},
}
VALID_CLAIMS: dict[str, Any] = {
    "aud": "trail",
    "iat": NOW - 5,
    "nonce": "n1",
    "sub": "00u1",
    "roles": "ops",
}


def auth(**changes: Any) -> Auth:
    return Auth.model_validate(COMPLETE_SETTINGS | changes)


def refusal_reason(claims: dict[str, Any], **settings: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        oidc.verify_claims(VALID_CLAIMS | claims, auth(**settings), NOW)
    assert str(caught.value)
    return caught.value.reason


def username(claims: dict[str, Any], **settings: Any) -> str:
    return oidc.verify_claims(VALID_CLAIMS | claims, auth(**settings), NOW)[0].username


def test_valid_token() -> None:
    claims = VALID_CLAIMS | {"name": "Olga\n Ops", "email": "olga@example.com"}
    user, proof = oidc.verify_claims(claims, auth(), NOW)
    assert (user.username, user.name, user.role) == ("oidc:00u1", "Olga Ops", "manager")
    assert (user.email, proof) == ("olga@example.com", "n1")
    assert oidc.is_provider_user(user)


@pytest.mark.parametrize("audience", ["other", "", None, [], ["other"], "trail2", {"trail": 1}])
def test_token_for_another_audience_is_refused(audience: Any) -> None:
    assert refusal_reason({"aud": audience, "azp": "trail"}) == "made for another application"


def test_one_matching_audience_is_enough() -> None:
    assert username({"aud": ["trail", "other"]}) == "oidc:00u1"


@pytest.mark.parametrize("issued", [NOW - 301, NOW + 121, None, True, "now", 0])
def test_old_token_is_refused(issued: Any) -> None:
    assert refusal_reason({"iat": issued}) == "too old"


@pytest.mark.parametrize("issued", [NOW - 300, NOW + 120, int(NOW)])
def test_recent_token_is_accepted(issued: Any) -> None:
    assert username({"iat": issued})


@pytest.mark.parametrize("nonce", ["", None, 7])
def test_token_without_a_nonce_is_refused(nonce: Any) -> None:
    assert refusal_reason({"nonce": nonce}) == "too old"


@pytest.mark.parametrize(
    ("value", "role"),
    [
        ("audit", "reviewer"),
        (["x", "ops", "audit"], "reviewer"),
        (["ops", "admins"], "owner"),
        ("owner", ""),
        ("AUDIT", ""),
        (["x"], ""),
        ([["audit"], {"a": 1}, None, 3], ""),
        (None, ""),
        ({"audit": 1}, ""),
    ],
)
def test_strongest_mapped_role_is_used(value: Any, role: str) -> None:
    if role:
        assert oidc.verify_claims(VALID_CLAIMS | {"roles": value}, auth(), NOW)[0].role == role
    else:
        assert refusal_reason({"roles": value}) == "no role for this account"


def test_role_claim_is_configurable() -> None:
    claim = "https://example.com/role"
    assert username({claim: "audit"}, oidc_role_claim=claim)
    assert refusal_reason({}, oidc_role_claim=claim) == "no role for this account"


@pytest.mark.parametrize(
    ("claims", "settings", "expected"),
    [
        ({"email": "Maya@Example.com", "email_verified": True}, {}, "oidc:maya@example.com"),
        ({"email": "maya@example.com"}, {}, "oidc:00u1"),
        ({"email": "maya@example.com", "email_verified": "true"}, {}, "oidc:00u1"),
        ({"email": "a b\r\nx: y", "email_verified": True}, {}, "oidc:00u1"),
        ({"upn": "maya"}, {"oidc_name_claim": "upn"}, "oidc:maya"),
        ({"upn": ["maya"]}, {"oidc_name_claim": "upn"}, "oidc:00u1"),
    ],
)
def test_username_comes_from_the_name_claim_or_the_subject(
    claims: Any, settings: Any, expected: str
) -> None:
    assert username(claims, **settings) == expected


@pytest.mark.parametrize("sub", [None, "", "a b", "å", "x" * 201, 7])
def test_account_without_a_usable_name_is_refused(sub: Any) -> None:
    assert refusal_reason({"sub": sub}) == "no usable name"


def test_local_username_cannot_have_the_provider_prefix(settings: Settings) -> None:
    users = Users(settings.store.path.with_name("users.yaml"))
    with pytest.raises(Exception, match="Invalid username"):
        users.add("oidc:maya", "", "", "owner", "correct-horse-9")


def test_role_setting_allows_exactly_the_known_roles() -> None:
    known = Auth.model_fields["oidc_roles"].annotation
    assert get_args(get_args(known)[1]) == roles.ROLES


@pytest.mark.parametrize("missing", COMPLETE_SETTINGS)
def test_incomplete_setup_is_one_problem(missing: str) -> None:
    part = {name: value for name, value in COMPLETE_SETTINGS.items() if name != missing}
    message = oidc.setting_problems(Settings(auth=part), "127.0.0.1")
    assert len(message) == 1
    assert f"Set auth.{missing}, " in message[0]


def test_unusable_settings_are_reported() -> None:
    def problems(host: str = "127.0.0.1", forward: Any = None, **changes: Any) -> list[str]:
        known = Settings(auth=auth(**changes), forward=forward or Forward())
        return [
            setting_problem.split(".")[0] for setting_problem in oidc.setting_problems(known, host)
        ]

    assert oidc.setting_problems(Settings(), "0.0.0.0") == []
    assert problems() == []
    assert problems(oidc_metadata_url="http://127.0.0.1:8080/x") == []
    assert problems(oidc_metadata_url="http://id.example.com/x") == [
        "The address of the OpenID provider is not https"
    ]
    assert problems("0.0.0.0") == ["The OpenID provider cannot redirect back"]
    assert problems("0.0.0.0", Forward(public_url="https://trail.example.com")) == []
    assert problems(oidc_roles={"audit": "reviewer"}) == ["No owner can sign in"]
    assert problems(oidc_roles={"audit": "reviewer"}, passwords=True) == []


def test_settings_digest_changes_with_the_settings() -> None:
    assert oidc.settings_digest(Auth()) == ""
    one = oidc.settings_digest(auth())
    assert one == oidc.settings_digest(auth(oidc_client_secret="another", oidc_label="X"))
    assert len({one, oidc.settings_digest(auth(oidc_roles={"a": "owner"})), ""}) == 3


def test_streamlit_auth_settings() -> None:
    message = oidc.streamlit_auth(Settings(auth=auth()), 8600)
    assert message["redirect_uri"] == "http://127.0.0.1:8600/oauth2callback"
    assert (
        message["cookie_secret"] != oidc.streamlit_auth(Settings(auth=auth()), 1)["cookie_secret"]
    )
    public = Settings(auth=auth(), forward=Forward(public_url="https://trail.example.com/"))
    assert oidc.streamlit_auth(public, 1)["redirect_uri"] == (
        "https://trail.example.com/oauth2callback"
    )
