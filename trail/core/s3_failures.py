"""Error messages for S3 by error code; the client's own text may contain keys and is not used."""

import re

import pyarrow as pa

from trail.core.errors import InputError, TrailError, UnavailableError

# What pyarrow's S3 client raises.
FAILURES = (OSError, pa.ArrowException)
_CODE = re.compile(r"AWS Error (\w+)(?: \(HTTP status (-?\d+)\))?")
_NAMED = re.compile(r"ExceptionName: (\w+)")
_CURL = re.compile(r"curlCode: (\d+)")

_REGION = (
    InputError,
    "The bucket {} is in another region.",
    "Set s3.region to the bucket's region.",
)
_DENIED = (
    InputError,
    "Access to the bucket {} is denied.",
    "Grant s3:ListBucket and s3:GetObject to the access key or to this machine's role.",
)
_NO_SERVICE = (InputError, "No S3 service responds at this endpoint.", "Check s3.endpoint.")
_NO_BUCKET = (InputError, "The bucket {} does not exist.", "Check s3.url and s3.endpoint.")
_BUSY = (UnavailableError, "The S3 service is busy.", "The next check retries.")
_UNKNOWN = (
    UnavailableError,
    "The bucket {} could not be read.",
    "If the next check fails too, check s3.url, s3.endpoint and s3.region.",
)
_WORDS: dict[str, tuple[type[TrailError], str, str]] = {
    "accessdenied": _DENIED,
    "401": _DENIED,
    "403": _DENIED,
    "invalidaccesskeyid": (InputError, "Unknown access key.", "Check s3.access_key."),
    "signaturedoesnotmatch": (
        InputError,
        "The secret key does not match the access key.",
        "Check s3.secret_key.",
    ),
    "nosuchbucket": _NO_BUCKET,
    "invalidbucketname": _NO_BUCKET,
    "resourcenotfound": _NO_SERVICE,
    "404": _NO_SERVICE,
    "-1": _NO_SERVICE,
    "permanentredirect": _REGION,
    "authorizationheadermalformed": _REGION,
    "301": _REGION,
    "invalidobjectstate": (InputError, "The object is archived.", "Restore it, or load a copy."),
    "requesttimetooskewed": (
        UnavailableError,
        "The clock of this machine differs from that of the S3 service.",
        "Correct the clock of this machine.",
    ),
    "expiredtoken": (UnavailableError, "The credentials have expired.", "Renew them."),
    "slowdown": _BUSY,
    "503": _BUSY,
}
_NETWORK = {
    "6": (
        "Unknown host name of the S3 service.",
        "Check s3.endpoint, s3.region and the network.",
    ),
    "28": ("The S3 service timed out.", "Check s3.endpoint, and the network."),
    "35": ("The S3 service does not offer HTTPS.", "Check s3.endpoint: http or https."),
    "60": ("The S3 service's certificate is not trusted.", "Check s3.endpoint."),
}
_NO_ANSWER = ("The S3 service cannot be reached.", "Check s3.endpoint, and the network.")


def code_of(error: BaseException) -> str:
    """Return the error code in lower case without underscores, else the HTTP status, else ''."""
    text = str(error)
    code = _NAMED.search(text) or _CODE.search(text)
    if not code:
        return "nosuchbucket" if re.search(r"^Bucket '.*' not found", text) else ""
    if code.re is _CODE and code[2]:
        return code[2]
    return code[1].replace("_", "").lower()


def to_trail_error(error: BaseException, bucket: str, section: str = "s3") -> TrailError:
    """Return the error to raise for *error*, without secrets; *section* has the settings."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        return UnavailableError(
            f"A temporary file could not be written: {error.strerror}.",
            "Free space in the temporary directory.",
        )
    code = code_of(error)
    if code == "networkconnection":
        curl = _CURL.search(str(error))
        message, hint = _NETWORK.get(curl[1] if curl else "", _NO_ANSWER)
        return UnavailableError(message, _of(hint, section))
    kind, message, hint = _WORDS.get(code, _UNKNOWN)
    return kind(message.format(bucket), _of(hint, section))


def _of(hint: str, section: str) -> str:
    return re.sub(r"\bs3\.(?=[a-z])", f"{section}.", hint)
