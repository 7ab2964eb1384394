"""The client of S3 and compatible services: an address and keys in, a file system out.

Keys that are not set are those of the machine: its environment (`AWS_…`), profile or role.
"""

import re
from typing import Protocol
from urllib.parse import urlsplit

from pyarrow import fs
from pydantic import SecretStr

from trail.core.errors import SettingError

# An unresponsive endpoint is given up after two attempts, about 11 seconds.
CONNECT_S = 3
RESPONSE_S = 5
TRIES = 2

_URL = re.compile(r"s3://([A-Za-z0-9][A-Za-z0-9._-]+)(?:/(.*))?", re.DOTALL)


class Access(Protocol):
    """Where a service is, and the keys to it."""

    @property
    def endpoint(self) -> str:
        """Return the URL of another service than Amazon's, or ""."""

    @property
    def region(self) -> str:
        """Return the region of the bucket, or ""."""

    @property
    def access_key(self) -> SecretStr:
        """Return the access key, or an empty one."""

    @property
    def secret_key(self) -> SecretStr:
        """Return the secret key, or an empty one."""


def place(url: str, section: str) -> tuple[str, str]:
    """Return bucket and prefix; the prefix may be empty and has no slash at its ends.

    *section* of the settings has the *url*. Raises `SettingError` if it is not one of a bucket.
    """
    match = _URL.fullmatch(url)
    prefix = (match[2] or "").strip("/") if match else ""
    if not match or "//" in prefix:
        raise SettingError("Invalid bucket URL.", f"Set {section}.url to s3://bucket/prefix.")
    return match[1], prefix


def system(given: Access, bucket: str, section: str, tries: int = TRIES) -> fs.S3FileSystem:
    """Return the file system in which *bucket* is; *section* of the settings is *given*.

    Raises `SettingError` for invalid settings, and what pyarrow raises without a region.
    """
    access_key = given.access_key.get_secret_value()
    secret_key = given.secret_key.get_secret_value()
    if bool(access_key) != bool(secret_key):
        raise SettingError(
            "Only one of the two S3 keys is set.",
            f"Set {section}.access_key and {section}.secret_key.",
        )
    scheme, address = address_of(given.endpoint, section)
    region = given.region or ("us-east-1" if address else fs.resolve_s3_region(bucket))
    return fs.S3FileSystem(
        access_key=access_key or None,
        secret_key=secret_key or None,
        region=region,
        scheme=scheme,
        endpoint_override=address or None,
        connect_timeout=CONNECT_S,
        request_timeout=RESPONSE_S,
        # Small objects are written with one request.
        allow_delayed_open=True,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=tries),
    )


def address_of(given: str, section: str) -> tuple[str, str]:
    """Return scheme and host of an endpoint; an empty host is Amazon's.

    Raises `SettingError` if it is not a URL of a host alone.
    """
    try:
        parts = urlsplit(given if "://" in given or not given else f"https://{given}")
    except ValueError:
        parts = urlsplit("none:")
    if given and (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path.strip("/")
    ):
        raise SettingError(
            "Invalid endpoint of the S3 service.",
            f"Set {section}.endpoint to https://host or http://host:port.",
        )
    return parts.scheme or "https", parts.netloc
