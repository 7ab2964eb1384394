"""What is in git holds no key, token or password that opens anything."""

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
# Bits a letter, of 32 letters and more: words stay below, what is drawn by chance above.
CHANCE = 4.4
# Strings of tests and documents that look like secrets and are none: how each begins, and why.
HARMLESS = {
    "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==": "a script tag, as an attack",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "the example of the Standard Webhooks specification",
    "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=": "the signature of that example",
    "spaces/default/": "ids of audiences, traits and sources",
    "/destination/": "an id of a destination's filter",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ": "an alphabet",
    "audit-trail_": "names of exported files",
}

# Where every byte looks drawn by chance.
PICTURES, PACKED = (".png",), ("fuzz/crashes/parquet-", "tests/fixtures/previous/trail.tar.zst")


def suspects(text: str) -> Iterator[str]:
    """Yield what in *text* has the form of a secret, or looks drawn by chance."""
    for found in KNOWN.finditer(text):
        yield found[0]
    for found in LONG.finditer(text):
        word = found[0]
        mixed = all(re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
        if mixed and _bits(word) > CHANCE:
            yield word


def _bits(word: str) -> float:
    shares = [count / len(word) for count in Counter(word).values()]
    return -sum(share * math.log2(share) for share in shares)


def test_no_file_in_git_holds_what_looks_like_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True)
    if listed.returncode:
        pytest.skip("needs a clone: what is in git is what is searched")
    found = [
        f"{name}: {word[:16]}…"
        for name in filter(None, listed.stdout.decode().split("\0"))
        if not name.startswith(PACKED) and not name.endswith(PICTURES) and (ROOT / name).is_file()
        for word in suspects((ROOT / name).read_bytes().decode("latin-1"))
        if not word.startswith(tuple(HARMLESS))
    ]
    assert found == []


@pytest.mark.parametrize(
    "made",
    [
        "-----BEGIN " + "PRIVATE KEY-----",
        "AK" + "IAIOSFODNN7EXAMPLE",
        "gh" + "p_" + "a1B2" * 9,
        "xo" + "xb-123456789012-abcdefghij",
        "https://maya:" + "hunter2hunter2@example.com",
        "key = 'Zk3vT9qLw2" + "Xy7BnM4cR8sP1dF6hJ0gKe5UaQi'",
    ],
)
def test_the_search_finds_what_it_is_for(made: str) -> None:
    assert list(suspects(made))
