"""S3: events as compressed NDJSON objects by day and hour, for a data lake.

The key of an object is derived from the events in it, so that a retry writes the same object again.
After a crash the events of a batch may be distributed differently: events are written at least
once, and `event_id` (OCSF `metadata.uid`, ECS `event.id`) identifies duplicates.
"""

import datetime as dt
import gzip
import hashlib
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from forwarders import _aws_signature, _siem
from trail.core.errors import InputError
from trail.core.model import (
    Batching,
    FormField,
    Forwarder,
    Notification,
    Request,
    Response,
    Values,
    Verdict,
)
from trail.notifications import retry_policy

_BATCH = 500
# Many small objects are slow to read, and each costs a request.
_PAUSE_S = 60
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")
_PORTS = {"https": 443, "http": 80}
_UNAUTHORISED = {"InvalidAccessKeyId", "SignatureDoesNotMatch"}
# Transient errors with status 400; all others are about the settings, never about one object.
_TRANSIENT = {"RequestTimeout"}


def request(
    notifications: Sequence[Notification], settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the PUT of one object with *notifications*, all of one hour, signed at *now* (aware).

    Raises `InputError` for an invalid bucket, prefix or region, or without a key.
    """
    bucket, region = settings.get("bucket", ""), settings.get("region") or "us-east-1"
    prefix = settings.get("prefix", "").strip("/")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise InputError(f"S3: invalid bucket {bucket[:70]!r}.", "Use the bucket name only.")
    if not _REGION.fullmatch(region):
        raise InputError(f"S3: invalid region {region[:50]!r}.", "Use the form eu-west-1.")
    if len(prefix) > 300 or any(part in ("", ".", "..") for part in prefix.split("/") if prefix):
        raise InputError(f"S3: invalid prefix {prefix[:70]!r}.", "Use the form audit/segment.")
    if not secrets.get("secret_key"):
        raise InputError("S3: the secret key is missing.")
    lines = [_siem.to_text(item, settings) for item in notifications]
    body = gzip.compress(b"\n".join([*lines, b""]), mtime=0)
    endpoint = settings.get("endpoint") or f"https://s3.{region}.amazonaws.com"
    key = f"{prefix}/{_key(notifications)}".lstrip("/")
    path = _aws_signature.encode_path(f"/{bucket}/{key}")
    url = _siem.below(endpoint, path)
    signed = {
        "host": _host(url),
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": _aws_signature.amz_date(now),
    }
    authorization = _aws_signature.authorization(
        "PUT",
        urlsplit(url).path,
        signed,
        access_key=settings.get("access_key", ""),
        secret_key=secrets["secret_key"],
        region=region,
    )
    # The transport sends the same `Host` itself.
    headers = [(name, value) for name, value in signed.items() if name != "host"]
    headers += [("Authorization", authorization), ("Content-Type", "application/gzip")]
    return Request(url, tuple(headers), body, "PUT")


def hour(notification: Notification, settings: Values) -> str:
    """Return the folder of the hour (UTC) in which an event occurred."""
    return f"{_siem.time(notification):day=%Y-%m-%d/hour=%H}"


def _key(notifications: Sequence[Notification]) -> str:
    first = notifications[0]
    ids = "\0".join(_siem.identifier(item) for item in notifications)
    digest = hashlib.sha256(ids.encode()).hexdigest()[:32]
    return f"{hour(first, {})}/{_siem.time(first):%Y%m%dT%H%M%SZ}-{digest}.ndjson.gz"


def _host(url: str) -> str:
    """Return the header `Host` of *url*; raises `InputError` for an invalid URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError("S3: the endpoint is not a valid URL.") from None
    host = f"[{host}]" if ":" in host else host
    return host if port in (None, _PORTS.get(parts.scheme)) else f"{host}:{port}"


def judge(response: Response, number: int) -> list[Verdict]:
    """Return a verdict for each of *number* events; on failure one for the whole object."""
    found = _CODE.search(response.body)
    code = found[1].decode() if found else ""
    if code in _UNAUTHORISED:
        return [Verdict("unauthorised", f"S3 did not accept the keys ({code}).")]
    if response.status == 400 and code not in _TRANSIENT:
        return [Verdict("refused", f"S3 rejected the request ({code or 400}). Check the region.")]
    verdict = retry_policy.judge(Response(500) if response.status == 400 else response)
    if verdict.kind == "ok":
        return [verdict] * number
    text = f"{verdict.text} {code}".rstrip()
    # S3 never rejects a single event.
    kind = "retry" if verdict.kind == "rejected" else verdict.kind
    return [Verdict(kind, text, verdict.wait_s)]


FORWARDER = Forwarder(
    name="s3_ndjson",
    title="S3",
    settings=(
        FormField("bucket", "Bucket", "Name of the bucket", True, example="example-audit"),
        FormField("prefix", "Prefix", "Folder of the objects, such as audit/segment"),
        FormField("region", "Region", "Region of the bucket", default="us-east-1"),
        FormField("endpoint", "Endpoint", "URL of another S3-compatible service"),
        FormField("access_key", "Access key", "Access key ID", True, example="AKIDEXAMPLE"),
        _siem.FORMAT,
        _siem.ORIGINAL,
    ),
    secrets=(
        FormField(
            "secret_key",
            "Secret key",
            "Secret access key",
            True,
            example="secret-key-of-an-example",
            signs=True,
        ),
    ),
    request=_siem.one(request),
    batch=Batching(_BATCH, request, judge, hour, _PAUSE_S),
)
