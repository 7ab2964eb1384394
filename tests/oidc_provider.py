"""A small OpenID provider over HTTP (OpenID Connect Core 1.0 and Discovery 1.0).

It signs in `person` at once by the authorization code flow. `token_changes` and `wrong_key` make
tokens that a client must refuse.
"""

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "trail-of-the-tests", "secret-of-the-tests"


class Provider:
    """The provider's state: who signs in, what goes wrong, and the requests it received."""

    def __init__(self) -> None:
        self.url = ""
        self.key, self.other_key = (
            RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}) for _ in range(2)
        )
        self.person: dict[str, Any] = {}
        self.token_changes: dict[str, Any] = {}
        self.wrong_key = self.refuses = self.away = False
        self.requests: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def signs_in(self, **claims: Any) -> None:
        """Sign in a person with these claims from now on, without errors."""
        self.person = {"sub": "person-1", **claims}
        self.token_changes, self.wrong_key, self.refuses, self.away = {}, False, False, False

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, request: dict[str, str]) -> str:
        """Return the URL to which the browser is redirected."""
        self.requests.append(request)
        assert request["client_id"] == CLIENT_ID
        assert request["response_type"] == "code"
        assert "openid" in request["scope"].split()
        if self.refuses:
            parameters = {"error": "access_denied", "state": request["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = request
            parameters = {"code": code, "state": request["state"]}
        return f"{request['redirect_uri']}?{urlencode(parameters)}"

    def token(self, authorization: str, form: dict[str, str]) -> dict[str, Any] | None:
        """Exchange a code for tokens, once and for the authenticated client; otherwise None."""
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).partition(b":")
        request = self._codes.pop(form.get("code", ""), None)
        authenticated = (unquote(name.decode()), unquote(secret.decode())) == (
            CLIENT_ID,
            CLIENT_SECRET,
        )
        if (
            not authenticated
            or request is None
            or form.get("redirect_uri") != request["redirect_uri"]
        ):
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != request["code_challenge"]:
            return None
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            "nonce": request["nonce"],
            **self.person,
            **self.token_changes,
        }
        key = self.other_key if self.wrong_key else self.key
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": jwt.encode({"alg": "RS256", "kid": "one"}, claims, key),
        }

    def keys(self) -> dict[str, Any]:
        return dict(KeySet([self.key]).as_dict(private=False))


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.provider.away:
            self.send_error(503)
        elif parts.path == "/.well-known/openid-configuration":
            self._json(self.provider.metadata())
        elif parts.path == "/jwks":
            self._json(self.provider.keys())
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("location", self.provider.authorize(_flat(parts.query)))
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        form = _flat(self.rfile.read(int(self.headers["content-length"])).decode())
        tokens = self.provider.token(self.headers.get("authorization", ""), form)
        self._json(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""

    def _json(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextlib.contextmanager
def providing() -> Iterator[Provider]:
    """Run a provider on a free port while the block runs."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
