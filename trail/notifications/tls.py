"""TLS for destinations: the system's certificate authorities, and those in the settings."""

import ssl
from functools import lru_cache

from trail.core.errors import InputError


@lru_cache(maxsize=4)
def context(ca_file: str) -> ssl.SSLContext:
    """Return a context that verifies servers, also with the certificates in *ca_file*, if set.

    Raises `InputError` for a file that cannot be read; the file is read once.
    """
    result = ssl.create_default_context()
    if ca_file:
        try:
            result.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                "The certificates of forward.ca_file cannot be read.",
                "Set it to a PEM file that the server can read.",
            ) from error
    return result
