"""AWS Signature Version 4: authorizes a request without sending the secret key.

Separate from pyarrow's S3 client, which would resolve the host itself: requests of destinations go
to checked addresses only, and a secret key that only signs is never sent to a host.
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


def encode_path(path: str) -> str:
    """Return *path* encoded for the URL and the signature: all but unreserved characters."""
    return quote(path, safe=f"/{_UNRESERVED}")


def authorization(
    method: str,
    path: str,
    headers: Mapping[str, str],
    *,
    access_key: str,
    secret_key: str,
    region: str,
    service: str = "s3",
) -> str:
    """Return the header `Authorization` of a request without a query.

    *path* must be encoded. *headers* are those to sign, by lowercase name, including `host`,
    `x-amz-date` (`20130524T000000Z`) and `x-amz-content-sha256`.
    """
    names = sorted(headers)
    signed = ";".join(names)
    lines = [f"{name}:{' '.join(headers[name].split())}\n" for name in names]
    canonical = "\n".join(
        (method, path, "", "".join(lines), signed, headers["x-amz-content-sha256"])
    )
    time = headers["x-amz-date"]
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = f"{_ALGORITHM}\n{time}\n{scope}\n{digest}"
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return (
        f"{_ALGORITHM} Credential={access_key}/{scope},SignedHeaders={signed},Signature={signature}"
    )


def amz_date(moment: dt.datetime) -> str:
    """Return *moment* (aware, UTC) in the format of the header `x-amz-date`."""
    return f"{moment:%Y%m%dT%H%M%SZ}"
