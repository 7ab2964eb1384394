"""Sign-in with an OpenID provider: Streamlit's settings, and the verification of claims.

Streamlit and Authlib check signature, issuer, expiry and nonce of the ID token. This module checks
its audience, its age, and the role of the user.
"""

import hashlib
import ipaddress
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from trail.accounts.roles import ROLES
from trail.accounts.users import User, actor_ids
from trail.core.errors import InputError
from trail.core.sections import Auth
from trail.core.settings import Settings
from trail.core.text import printable

FRESH_SECONDS = 300  # maximum age of an ID token
_AHEAD_SECONDS = 120  # tolerated clock difference
CALLBACK = "/oauth2callback"
# Names in the users file have no colon, so a provider user never matches a local user.
PREFIX = "oidc:"
_NAME = re.compile(r"[!-~]{1,200}")
_ASK_OWNER = "Ask an owner of this workspace."


class RefusedError(InputError):
    """A refused sign-in; `reason` is for the access log."""

    def __init__(self, reason: str, message: str, hint: str, username: str = "") -> None:
        super().__init__(message, hint)
        self.reason, self.username = reason, username


def is_provider_user(user: User) -> bool:
    """Return whether *user* signed in with the provider."""
    return user.username.startswith(PREFIX)


def settings_digest(auth: Auth) -> str:
    """Return a digest of the provider's settings and roles; empty without a provider."""
    if not auth.by_provider:
        return ""
    claims = ("oidc_role_claim", "oidc_name_claim", "oidc_actor_claim")
    names = ("oidc_metadata_url", "oidc_client_id", *claims)
    values = [[getattr(auth, name) for name in names], sorted(auth.oidc_roles.items())]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def setting_problems(settings: Settings, host: str) -> list[str]:
    """Return the problems of the provider's settings, each with its remedy."""
    auth = settings.auth
    needed = {
        "auth.oidc_metadata_url": auth.oidc_metadata_url,
        "auth.oidc_client_id": auth.oidc_client_id,
        "auth.oidc_client_secret": auth.oidc_client_secret.get_secret_value(),
        "auth.oidc_roles": auth.oidc_roles,
    }
    missing = [name for name, value in needed.items() if not value]
    if len(missing) == len(needed):
        return []
    if missing:
        return [
            f"The settings of the OpenID provider are incomplete. Set {' and '.join(missing)}, "
            "or remove all of them."
        ]
    problems = []
    address = urlsplit(auth.oidc_metadata_url)
    if address.scheme != "https" and not _is_loopback(address.hostname or ""):
        problems.append(
            "The address of the OpenID provider is not https. Correct auth.oidc_metadata_url."
        )
    if not settings.forward.public_url and not _is_loopback(host):
        problems.append(
            "The OpenID provider cannot redirect back. Set forward.public_url to the address of "
            "this dashboard."
        )
    if not auth.by_password and "owner" not in auth.oidc_roles.values():
        problems.append("No owner can sign in. Map a value of auth.oidc_roles to the role owner.")
    return problems


def streamlit_auth(settings: Settings, port: int) -> dict[str, Any]:
    """Return the `auth` section of Streamlit's secrets for a server on *port*.

    The cookie secret is new for each process, so that no such cookie outlives a restart.
    """
    auth, host = settings.auth, settings.server.host
    home = settings.forward.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return {
        "redirect_uri": home.rstrip("/") + CALLBACK,
        "cookie_secret": secrets.token_hex(32),
        "client_id": auth.oidc_client_id,
        "client_secret": auth.oidc_client_secret.get_secret_value(),
        "server_metadata_url": auth.oidc_metadata_url,
        "client_kwargs": {"scope": "openid email profile", "prompt": auth.oidc_prompt},
    }


def verify_claims(claims: Mapping[str, Any], auth: Auth, now: float) -> tuple[User, str]:
    """Return the user of *claims* at *now* (seconds since 1970) and the single-use nonce.

    Raises `RefusedError` for a token of another application, an old token, or a user without role.
    """
    audience = claims.get("aud")
    if auth.oidc_client_id not in (audience if isinstance(audience, list) else [audience]):
        raise RefusedError(
            "made for another application", "This sign-in is for another application.", _ASK_OWNER
        )
    issued, proof = claims.get("iat"), claims.get("nonce")
    fresh = (
        isinstance(issued, int | float) and now - FRESH_SECONDS <= issued <= now + _AHEAD_SECONDS
    )
    if not fresh or not isinstance(proof, str) or not proof:
        raise RefusedError("too old", "This sign-in is too old.", "Sign in again.")
    username = _username(claims, auth)
    role = _role(claims.get(auth.oidc_role_claim), auth)
    if not role:
        raise RefusedError(
            "no role for this account",
            "No role is assigned to your account.",
            _ASK_OWNER,
            username,
        )
    name = " ".join(_text(claims.get("name")).split())[:100]
    email, actors = _text(claims.get("email"))[:200], actor_ids(claims.get(auth.oidc_actor_claim))
    return User(username, name or username, email, role, actors), proof


def _username(claims: Mapping[str, Any], auth: Auth) -> str:
    """Return the username: the configured claim, or `sub` if that is an unverified e-mail."""
    chosen = _text(claims.get(auth.oidc_name_claim)).strip().casefold()
    verified = auth.oidc_name_claim != "email" or claims.get("email_verified") is True
    for name in (chosen if verified else "", _text(claims.get("sub"))):
        if _NAME.fullmatch(name):
            return PREFIX + name
    raise RefusedError("no usable name", "Your account has no usable name.", _ASK_OWNER)


def _role(value: Any, auth: Auth) -> str:
    values = value if isinstance(value, list) else [value]
    granted = {auth.oidc_roles.get(name) for name in values if isinstance(name, str)}
    return next((role for role in ROLES if role in granted), "")


def _text(value: Any) -> str:
    return printable(value, " ") if isinstance(value, str) else ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
