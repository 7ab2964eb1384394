"""The certificate as PDF: its text, hostile and foreign text, repeated headers."""

import datetime as dt
import io
import re
import unicodedata
from typing import Any

import pytest
from pypdf import PdfReader

from trail.evidence import certificate, certificate_html, certificate_pdf
from trail.findings.sign_off_changes import Change
from trail.findings.sign_offs import Signoff

DIGEST = "4c1d" * 16


def signed(
    decisions: list[tuple[str, str]], changes: tuple[Change, ...] = (), **more: Any
) -> Signoff:
    """Return a sign-off of three days with decisions: each a finding's sentence and a reason."""
    body = {
        "workspace": "example-retail",
        "signer": "Sofia Ruiz",
        "period": {"zone": "Europe/Oslo", "first": "2026-11-09", "last": "2026-11-11"},
        "filter": {"words": "All events", "query": "tz=Europe/Oslo"},
        "findings": [
            {
                "finding_id": f"f-{number:04}",
                "sentence": sentence,
                "decisions": [
                    {
                        "decision": "done",
                        "note": note,
                        "made_by": "rita",
                        "made_at": "2026-11-12T08:14:00Z",
                    }
                ],
            }
            for number, (sentence, note) in enumerate(decisions, 1)
        ],
        "coverage": {
            "gaps": ["one"],
            "spans": [
                {"from": "2026-11-10T03:00:00Z", "to": "2026-11-10T04:10:00Z", "state": "gap"}
            ],
        },
        "late": [
            {
                "day": "2026-11-10",
                "text": "late: +4 events in batch 7",
                "sealed_at": "2026-11-12T05:20:00",
            }
        ],
        "removed": [],
        "seals": [{"day": "2026-11-11", "number": 311, "seal": "61fe09b37ad84c25"}],
        **more,
    }
    return Signoff(
        signoff_id=3,
        from_at=dt.datetime(2026, 11, 8, 23),
        to_at=dt.datetime(2026, 11, 11, 23),
        query="from=2026-11-08T23%3A00%3A00Z&to=2026-11-11T23%3A00%3A00Z&tz=Europe%2FOslo",
        events=24118,
        digest=DIGEST,
        findings=len(decisions),
        undecided=0,
        reason="",
        signed_by="sofia",
        signed_at=dt.datetime(2026, 11, 16, 8, 2, 24),
        body=body,
        body_text="{}",
        fingerprint="9010" * 16,
        key="ab" * 32,
        signature="cd" * 64,
        changes=changes,
    )


def words(text: str) -> str:
    """Return *text* with any white space as one space."""
    return " ".join(text.split())


def texts(value: Any) -> list[str]:
    """Return all texts of a view."""
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for item in items for text in texts(item)]


def read(data: bytes) -> list[str]:
    """Return the text of each page."""
    return [words(page.extract_text()) for page in PdfReader(io.BytesIO(data)).pages]


def test_pdf_has_every_text_of_the_certificate() -> None:
    change = Change("reopened: Tomas Ek", "rita", dt.datetime(2026, 11, 17, 9))
    given = signed([("Tomas Ek disabled 4 integrations", "Ticket OPS-881")], (change,))
    data = certificate_pdf.page(given, "")
    text = " ".join(read(data))
    for expected in (
        "Sofia Ruiz reviewed the events of the Segment workspace example-retail, Mon 9 Nov to "
        "Wed 11 Nov 2026, and confirms that the 1 finding was decided.",
        "Europe/Oslo (UTC+1 at the start)",
        "None: all events of the workspace",
        "Changed after signing",
        "Reopened: Tomas Ek (rita, Tue 17 Nov 2026, 10:00:00)",
        "Done by rita, Thu 12 Nov 2026, 09:14:00: Ticket OPS-881",
        "Tue 10 Nov 2026, 04:00:00 to Tue 10 Nov 2026, 05:10:00: No source was collecting",
        "UTC day 2026-11-10: +4 events in batch 7, sealed again Thu 12 Nov 2026, 06:20:00.",
        "9010 9010",
        "2026-11-11 · no. 311 · 61fe 09b3 7ad8 4c25",
        "Sofia Ruiz (sofia)",
        "python3 verify.py PACK.zip --key",
        "Page 1 of 1",
    ):
        assert expected in text
    page = words(re.sub(r"<[^>]*>", " ", certificate_html.page(given, "")))
    for shown in texts(certificate.view(given, "")):
        assert not shown or shown in ("html",) or words(shown) in text or shown in NOT_PRINTED
        assert not shown or words(shown).replace('"', "&quot;") in page or shown in NOT_PRINTED
    assert certificate_pdf.page(given, "") == data


# For the page of the dashboard only.
NOT_PRINTED = {
    "Mon 9 Nov to Wed 11 Nov 2026, Europe/Oslo",
    "24,118 events, 1 finding, 0 undecided · signed by sofia, Mon 16 Nov 2026, 09:02:24",
    "No findings in these days.",
}


@pytest.mark.parametrize(
    "name",
    [
        *("王伟", "東京", "한국", "Ærø Łukasz", "Ελένη", "Жанна", "สวัสดี", "😀", "👩\u200d💻"),
        *("שרה", "عائشة", "नमस्ते", "a\u0301", "€ → ⚠"),
    ],
)
def test_names_of_any_script_are_in_the_pdf(name: str) -> None:
    text = "".join(read(certificate_pdf.page(signed([(name, "")]), "")))
    assert "[U+" not in text
    assert "\x00" not in text
    # Marks and letters of right-to-left and Indic scripts are extracted in the order of glyphs.
    letters = [letter for letter in name if unicodedata.category(letter)[0] not in "MCZ"]
    forms = unicodedata.normalize("NFKC", text)
    assert all(unicodedata.normalize("NFKC", letter) in forms for letter in letters)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\U00012000", "[U+12000]"),
        ("\ue000\U0010fffd", "[U+E000][U+10FFFD]"),
        ("\u202egnp.exe", "[U+202E]gnp.exe"),
        ("a\u05d0\u0e31", "[U+0E31]"),
        ("\x00\x1b[31m", "[U+0000][U+001B][31m"),
        ("#panic(1) $x$ *b* @a <b> \\u{41}", "#panic(1) $x$ *b* @a <b> \\u{41}"),
        ("\ufffe\u3164\u00ad", "[U+FFFE][U+3164][U+00AD]"),
    ],
)
def test_hostile_text_is_written_out(name: str, shown: str) -> None:
    text = " ".join(read(certificate_pdf.page(signed([(f"x {name} y", name)]), name)))
    assert text.count(shown) >= 2


def test_long_words_stay_on_the_page() -> None:
    reader = PdfReader(io.BytesIO(certificate_pdf.page(signed([("W" * 3000, "é" * 3000)]), "")))
    right: list[float] = []

    def note(text: str, _: Any, matrix: list[float], *more: Any) -> None:
        if "W" in text or "é" in text:
            right.append(matrix[4])

    for page in reader.pages:
        page.extract_text(visitor_text=note)
    assert sum(page.extract_text().count("W") for page in reader.pages) >= 3000
    assert right and max(right) < 595


def test_table_header_is_repeated_on_each_page() -> None:
    many = [(f"Sentence number {number}", "a reason") for number in range(150)]
    pages = read(certificate_pdf.page(signed(many), ""))
    with_rows = [page for page in pages if "Sentence number" in page]
    assert len(with_rows) > 3
    assert all("What happened, who decided and why" in page for page in with_rows)
    assert "Sentence number 149" in " ".join(pages)
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]
