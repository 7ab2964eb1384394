"""What is said when a bucket cannot be read.

Separate because the client's own words may hold keys and addresses: none of them goes any further,
and what is said instead is chosen here, by its codes.
"""

import re

import pyarrow as pa

from trail.core.errors import InputError, TrailError, UnavailableError

# What pyarrow's S3 client raises.
FAILURES = (OSError, pa.ArrowException)
_CODE = re.compile(r"AWS Error (\w+)(?: \(HTTP status (-?\d+)\))?")
_NAMED = re.compile(r"ExceptionName: (\w+)")
_CURL = re.compile(r"curlCode: (\d+)")

_REGION = (InputError, "The bucket {} is in another region.", "Set s3.region to the bucket's own.")
_DENIED = (
    InputError,
    "Access to the bucket {} is denied.",
    "Allow s3:ListBucket and s3:GetObject to the key, or to this machine's role.",
)
_NO_SERVICE = (InputError, "There is no S3 service at that address.", "Check s3.endpoint.")
_NO_BUCKET = (InputError, "There is no bucket {}.", "Check s3.url and s3.endpoint.")
_BUSY = (UnavailableError, "The S3 service is busy.", "The next look tries again.")
_UNKNOWN = (
    UnavailableError,
    "The bucket {} could not be read.",
    "Check s3.url, s3.endpoint and s3.region if the next look fails too.",
)
_WORDS: dict[str, tuple[type[TrailError], str, str]] = {
    "accessdenied": _DENIED,
    "401": _DENIED,
    "403": _DENIED,
    "invalidaccesskeyid": (InputError, "The access key is not known.", "Check s3.access_key."),
    "signaturedoesnotmatch": (
        InputError,
        "The secret key is not that of the access key.",
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
    "invalidobjectstate": (InputError, "It is archived.", "Restore it, or load it from a copy."),
    "requesttimetooskewed": (
        UnavailableError,
        "The clocks of this machine and of the S3 service differ.",
        "Set this machine's clock.",
    ),
    "expiredtoken": (UnavailableError, "The credentials have expired.", "Renew them."),
    "slowdown": _BUSY,
    "503": _BUSY,
}
_NETWORK = {
    "6": ("No S3 service has that name.", "Check s3.endpoint and s3.region, and the network."),
    "28": ("The S3 service did not answer in time.", "Check s3.endpoint, and the network."),
    "35": ("The S3 service speaks no https.", "Check s3.endpoint: http or https."),
    "60": ("The S3 service's certificate is not trusted.", "Check s3.endpoint."),
}
_NO_ANSWER = ("The S3 service cannot be reached.", "Check s3.endpoint, and the network.")


def code_of(error: BaseException) -> str:
    """Return the service's code, lower case without underscores, or the HTTP status; or nothing."""
    text = str(error)
    code = _NAMED.search(text) or _CODE.search(text)
    if not code:
        return "nosuchbucket" if re.search(r"^Bucket '.*' not found", text) else ""
    if code.re is _CODE and code[2]:
        return code[2]
    return code[1].replace("_", "").lower()


def told(error: BaseException, bucket: str) -> TrailError:
    """Return the error to raise for *error*: what it says names the bucket, and no secret."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        return UnavailableError(
            f"An object cannot be kept while it is read: {error.strerror}.",
            "Make room in the folder for temporary files.",
        )
    code = code_of(error)
    if code == "networkconnection":
        curl = _CURL.search(str(error))
        return UnavailableError(*_NETWORK.get(curl[1] if curl else "", _NO_ANSWER))
    kind, message, hint = _WORDS.get(code, _UNKNOWN)
    return kind(message.format(bucket), hint)
