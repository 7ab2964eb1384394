"""No file in git contains a real key, token or password."""

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KNOWN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|hooks\.slack\.com/services/T[A-Z0-9]{7,}/B[A-Z0-9]{7,}/[A-Za-z0-9]{20,}"
    r"|\bsgp_[A-Za-z0-9]{30,}|\bsk_live_\w{16,}|\bAIza[\w-]{35}"
    r"|\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{15,}"
    r"|://[^/\s:@{}'\"]+:[^/\s:@{}'\"]{8,}@"
)
LONG = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
# Entropy in bits per character of 32 or more characters: words are below, random strings above.
RANDOM_BITS = 4.4
# Strings of tests and documents that only look like secrets: how each begins, and what it is.
HARMLESS = {
    "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==": "a script tag, as an attack",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "the example of the Standard Webhooks specification",
    "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=": "the signature of that example",
    "spaces/default/": "ids of audiences, traits and sources",
    "/destination/": "an id of a destination's filter",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ": "an alphabet",
    "23456789abcdefghijkmnpqrstuvwxyz": "an alphabet without look-alike characters",
    "audit-trail_": "names of exported files",
}

# Files in which all bytes look random.
PICTURES, PACKED = (".png",), ("fuzz/crashes/parquet-", "tests/fixtures/previous/trail.tar.zst")
# The npm lock file records a SHA-512 of each package.
DIGESTS = re.compile(r'"integrity": "sha512-[\w+/=]+"')


def suspects(text: str) -> Iterator[str]:
    """Yield the strings in *text* that have the format of a secret or look random."""
    for match in KNOWN.finditer(text):
        yield match[0]
    for match in LONG.finditer(text):
        word = match[0]
        mixed = all(re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
        if mixed and _bits(word) > RANDOM_BITS:
            yield word


def _bits(word: str) -> float:
    shares = [count / len(word) for count in Counter(word).values()]
    return -sum(share * math.log2(share) for share in shares)


def test_no_file_in_git_contains_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True)
    if listed.returncode:
        pytest.skip("needs a git clone")
    secrets = [
        f"{name}: {word[:16]}…"
        for name in filter(None, listed.stdout.decode().split("\0"))
        if not name.startswith(PACKED) and not name.endswith(PICTURES) and (ROOT / name).is_file()
        for word in suspects(DIGESTS.sub("", (ROOT / name).read_bytes().decode("latin-1")))
        if not word.startswith(tuple(HARMLESS))
    ]
    assert secrets == []


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN " + "PRIVATE KEY-----",
        "AK" + "IAIOSFODNN7EXAMPLE",
        "gh" + "p_" + "a1B2" * 9,
        "xo" + "xb-123456789012-abcdefghij",
        "https://maya:" + "hunter2hunter2@example.com",
        "key = 'Zk3vT9qLw2" + "Xy7BnM4cR8sP1dF6hJ0gKe5UaQi'",
    ],
)
def test_search_detects_secrets(secret: str) -> None:
    assert list(suspects(secret))
