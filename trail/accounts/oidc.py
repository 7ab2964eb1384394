"""Sign-in with an OpenID provider: what Streamlit is told of it, and whom its word lets in.

Separate because it is the one judge of a provider's claims. Streamlit and Authlib have checked the
ID token's signature, issuer, expiry and nonce; what they leave open is checked here: for whom the
token was made, when, and which role its bearer has.
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
from trail.accounts.users import User
from trail.core.errors import InputError
from trail.core.settings import Auth, Settings

FRESH_SECONDS = 300  # a sign-in at the provider is taken for so long
_AHEAD_SECONDS = 120  # so far may the provider's clock be ahead
CALLBACK = "/oauth2callback"
# No name of the users file has a colon, so nobody from a provider is taken for a local user.
_PREFIX = "oidc:"
_NAME = re.compile(r"[!-~]{1,200}")
_TOLD = "Ask an owner of this workspace."


class RefusedError(InputError):
    """A provider's word that lets nobody in; `reason` is for the access log."""

    def __init__(self, reason: str, message: str, hint: str, username: str = "") -> None:
        super().__init__(message, hint)
        self.reason, self.username = reason, username


def vouched(user: User) -> bool:
    """Return whether *user* was let in by a provider's word."""
    return user.username.startswith(_PREFIX)


def version(auth: Auth) -> str:
    """Return a mark that differs once the provider or its roles do; '' without a provider."""
    if not auth.by_provider:
        return ""
    told = [auth.oidc_metadata_url, auth.oidc_client_id, auth.oidc_role_claim, auth.oidc_name_claim]
    return hashlib.sha256(json.dumps([told, sorted(auth.oidc_roles.items())]).encode()).hexdigest()


def wrong(settings: Settings, host: str) -> list[str]:
    """Return one sentence and its remedy for each thing that is wrong with the settings."""
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
            f"Sign-in with a provider is half set up. Set {' and '.join(missing)}, "
            "or none of its settings."
        ]
    found = []
    address = urlsplit(auth.oidc_metadata_url)
    if address.scheme != "https" and not _is_here(address.hostname or ""):
        found.append("The provider's address is not https. Set auth.oidc_metadata_url to one.")
    if not settings.forward.public_url and not _is_here(host):
        found.append(
            "The provider cannot send people back. Set forward.public_url to the address that "
            "they open."
        )
    if not auth.by_password and "owner" not in auth.oidc_roles.values():
        found.append("No owner can sign in. Give a value of auth.oidc_roles the role owner.")
    return found


def for_streamlit(settings: Settings, port: int) -> dict[str, Any]:
    """Return the `auth` section of Streamlit's secrets, for a server that listens on *port*.

    Its cookies are signed with a secret that this process forgets, so none outlives a restart.
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


def judge(claims: Mapping[str, Any], auth: Auth, now: float) -> tuple[User, str]:
    """Return who signs in with *claims* at *now*, and the proof that may be used once.

    Raises `RefusedError` for a token of another application, an old one, or one without a role.
    """
    audience = claims.get("aud")
    if auth.oidc_client_id not in (audience if isinstance(audience, list) else [audience]):
        raise RefusedError(
            "made for another application", "This sign-in was made for another application.", _TOLD
        )
    issued, proof = claims.get("iat"), claims.get("nonce")
    fresh = (
        isinstance(issued, int | float) and now - FRESH_SECONDS <= issued <= now + _AHEAD_SECONDS
    )
    if not fresh or not isinstance(proof, str) or not proof:
        raise RefusedError("too old", "This sign-in is too old.", "Sign in once more.")
    username = _username(claims, auth)
    role = _role(claims.get(auth.oidc_role_claim), auth)
    if not role:
        raise RefusedError(
            "no role for this account", "Your account has no role here.", _TOLD, username
        )
    name = " ".join(_text(claims.get("name")).split())[:100]
    return User(username, name or username, _text(claims.get("email"))[:200], role), proof


def _username(claims: Mapping[str, Any], auth: Auth) -> str:
    """Return the name for the logs: the claim that is set, unless it is an unproven e-mail."""
    chosen = _text(claims.get(auth.oidc_name_claim)).strip().casefold()
    proven = auth.oidc_name_claim != "email" or claims.get("email_verified") is True
    for each in (chosen if proven else "", _text(claims.get("sub"))):
        if _NAME.fullmatch(each):
            return _PREFIX + each
    raise RefusedError("no usable name", "Your account has no name that can be used here.", _TOLD)


def _role(value: Any, auth: Auth) -> str:
    values = value if isinstance(value, list) else [value]
    given = {
        auth.oidc_roles[each]
        for each in values
        if isinstance(each, str) and each in auth.oidc_roles
    }
    return next((role for role in ROLES if role in given), "")


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
