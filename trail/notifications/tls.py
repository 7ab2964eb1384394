"""TLS of destinations: the system's certificate authorities, and those of the setting."""

import ssl
from functools import lru_cache

from trail.core.errors import InputError


@lru_cache(maxsize=4)
def context(ca_file: str) -> ssl.SSLContext:
    """Return a context that verifies servers, also by the certificates in *ca_file* unless empty.

    Raises `InputError` for a file that cannot be read; the file is read once.
    """
    result = ssl.create_default_context()
    if ca_file:
        try:
            result.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                "The certificates of forward.ca_file cannot be read.",
                "Set it to a file in PEM format that the server may read.",
            ) from error
    return result
