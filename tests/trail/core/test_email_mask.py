"""Masked e-mails: none is left whole, no length changes, and formats stay valid."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.email_mask import MaskedStream, mask
from ui.text import escape

LOCAL = st.from_regex(r"[a-z0-9é田][a-z0-9._%+é田-]{1,20}", fullmatch=True)
EMAIL = st.builds("{}@{}.example.com".format, LOCAL, st.from_regex(r"[a-z]{1,8}", fullmatch=True))
AROUND = st.text(st.sampled_from(' "\\\n,;:äé€𝒳abc{}[]@.%'), max_size=12)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("maya.lind@example.com", "m********@example.com"),
        ("<maya@example.com>, jon@example.co.uk", "<m***@example.com>, j**@example.co.uk"),
        ("/people?who=maya%40example.com", "/people?who=m***%40example.com"),
        (escape("maya.lind@example.com"), "m*********@\u2060example\\.com"),
        (" a@example.com", " *@example.com"),
        ("a@example.com", "*@example.com"),
        ("é@example.com", "**@example.com"),
        ("o'connor&co@example.com", "o**********@example.com"),
        ('{"text": "hi\\n@example.com"}', '{"text": "h***@example.com"}'),
        ("josé@example.com", "j****@example.com"),
        ("田中太郎@example.jp", "田*********@example.jp"),
        ("no address: a @ b, @media, 5 @ 3.50, maya@host", None),
        ("", None),
    ],
)
def test_mask(text: str, masked: str | None) -> None:
    assert mask(text.encode()).decode() == (text if masked is None else masked)


@given(AROUND, EMAIL, AROUND, EMAIL)
def test_no_address_is_left_and_json_stays_json(
    before: str, email: str, between: str, other: str
) -> None:
    record = {"a": f"{before}{email}{between} {other}", "n": [1, email]}
    for ascii_only in (True, False):
        text = json.dumps(record, ensure_ascii=ascii_only).encode()
        nested = json.dumps({"raw": text.decode()}, ensure_ascii=ascii_only).encode()
        for data in (text, nested):
            result = mask(data)
            assert len(result) == len(data)
            json.loads(result)
            assert not any(word.encode() in result for word in (email, other))
            assert mask(result) == result


@given(st.lists(EMAIL, min_size=1, max_size=6), st.lists(st.integers(1, 30), max_size=20))
def test_a_stream_is_masked_however_it_is_cut(emails: list[str], cuts: list[int]) -> None:
    data = ",".join(emails).encode()
    stream, parts, at = MaskedStream(), [], 0
    for size in cuts:
        parts.append(stream.feed(data[at : at + size]))
        at += size
    parts.append(stream.feed(data[at:], last=True))
    assert b"".join(parts) == mask(data)
    assert not re.search(rb"[a-z0-9._%+-]{2,}@", b"".join(parts))
