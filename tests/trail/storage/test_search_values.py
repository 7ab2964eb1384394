"""Bare words match the decoded values of a record, never its keys, its envelope or its escapes."""

import json
import unicodedata
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW
from trail.events import events
from trail.notifications import matches
from trail.notifications.rate_limit import RateLimitState
from trail.notifications.rule import Rule
from trail.storage import record_text
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

# Written as other programs write JSON: Go escapes &, < and >, Python all that is not ASCII.
FORWARDED = (
    r'{"type":"track","event":"Audit","messageId":"msg-%s","userId":"u9","writeKey":"wk-secret",'
    r'"context":{"library":{"name":"envelope-library"}},"timestamp":"2026-10-01T10:00:00Z",'
    r'"properties":{"type":"Schema Event Blocked","workspace_id":"wörk","details":{'
    r'"resource_id":"s1","resource_type":"space","subject":"users/u1","target":"Web",%s}}}'
)
RECORDS = {
    "amp": r'"note":"`R\u0026D \u003cb\u003e` blocked"',
    "quote": r'"note":"Said \"hello\" C:\\temp\/x \\u0026"',
    "nfd": r'"note":"Cafe\u0301 Nord"',
    "nfc": r'"note":"CAFÉ Süd, Straße, ΣΊΣΥΦΟΣ"',
    "deep": r'"rules":[{"allow":{"port":8443,"on":true,"off":null,"at":"\ud83d\ude00 here"}}]',
    "empty": r'"a":{},"b":[],"c":"","d":[[]]',
    "colon": r'":odd":"k{1}:v","x":"\"y\":","null":"[1]"',
    "long": '"note":"' + "long, " * 3000 + r'R\u0026D end","tail_key":[{"n":-7.25},"\"z\"{:"]',
}
API = (
    r'{"id":"api","timestamp":"2026-10-01T10:00:00Z","type":"Source Created","actor":"users/u2",'
    r'"resourceId":"s2","resourceType":"sources","resourceName":"Shop","workspaceId":"w",'
    r'"details":{"reason":["clean\u002dup"]}}'
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `RECORDS` and an API object."""
    lines = [*(FORWARDED % pair for pair in RECORDS.items()), API]
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), lines)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def growing_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store to which a test adds events."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("growing"))
    yield opened
    opened.close()


def found(store: Store, text: str) -> set[str]:
    page = events.page(store, Filter(q=(text,)), NOW)
    return {row["event_id"].removeprefix("msg-") for row in page.rows}


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R&D", {"amp", "long"}),
        ("r&d", {"amp", "long"}),
        ("<b>", {"amp"}),
        (r'"Said \"hello\""', {"quote"}),
        (r'"C:\\temp/x"', {"quote"}),
        (r"\u0026", {"quote"}),
        ("Café", {"nfd", "nfc"}),
        ("Cafe\u0301", {"nfd", "nfc"}),
        ("cafÉ", {"nfd", "nfc"}),
        ("STRASSE", {"nfc"}),
        ("straße", {"nfc"}),
        ("σίσυφοσ", {"nfc"}),
        ("8443", {"deep"}),
        ("true", {"deep"}),
        ("😀", {"deep"}),
        ("k{1}:v", {"colon"}),
        (r'"\"y\":"', {"colon"}),
        ("[1]", {"colon"}),
        ("-raw:[", set(RECORDS) - {"deep", "empty", "colon", "long"}),
        ("clean-up", {"api"}),
        ("shop", {"api"}),
        ("source", {"api"}),
        ("users/u2", {"api"}),
        ('"end -7.25"', set()),
        (r'"\"z\"{:"', {"long"}),
        ('"-7.25"', {"long"}),
        ("WÖRK", set(RECORDS)),
        ("wo\u0308rk", set(RECORDS)),
        ("workspace:WO\u0308RK", set(RECORDS)),
        ("space", set(RECORDS)),
        ('-"R&D"', {*RECORDS, "api"} - {"amp", "long"}),
        ("raw:wk-secret", set(RECORDS)),
        (r"raw:\U0026d", {"amp", "long"}),
    ],
)
def test_words_match_values_as_people_read_them(
    store: Store, text: str, expected: set[str]
) -> None:
    assert found(store, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("messageId", "msg-amp", "writeKey", "wk-secret", "context", "library", "timestamp"),
        *("envelope-library", "track", "Audit", "properties", "details", "resource_id", "subject"),
        *("tail_key", "allow", "off", "null", "workspaceId", "reason", '"odd"', "u9", "2026-10-01"),
        *('"Web,"', r'"\",\""', '"s1 space"', r'"{\""', "workspace_id"),
    ],
)
def test_keys_envelope_and_escapes_match_nothing(store: Store, text: str) -> None:
    assert found(store, text) == set()


@pytest.mark.parametrize("text", ["R&D", "Café", '"Said \\"hello\\""', "messageId", "8443", "-R&D"])
def test_alert_rules_match_what_the_page_shows(store: Store, text: str) -> None:
    rule = Rule(name="r", query=Filter(q=(text,)).query(), window_minutes=60)
    now = NOW.replace(tzinfo=None)
    new = matches.NewEvents(now.replace(year=2000), now.replace(year=2100))
    result = matches.match_events(store, rule, RateLimitState(), new, now, now.replace(year=2000))
    assert sum(match.count for match in result) == len(found(store, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"a\ud800b \u0041", "ab A"),
        (r"a\udc00\ud800", "a"),
        (r"\ud83d\ude00\ud83d", "😀"),
        (r"\\ud83d \ud83d", r"\ud83d "),
        (r"\\\ud83d\"", '\\"'),
    ],
)
def test_lone_surrogates_hide_nothing_else(store: Store, text: str, expected: str) -> None:
    raw = f'{{"properties":{{"key":"{text}"}}}}'
    values = record_text.values("r.raw")
    result = store.table(f"select {values} as said from (select $raw as raw) r", {"raw": raw})
    assert result["said"].to_pylist()[0].strip("\x1f") == expected


_HARD = (
    "aZé\u0301\u0338<>&=\"\\/'%_!{}[]:,\n\t\x1f\x7f\u2028ßςÅ\u212b\u1100\u1161\u11a8가中😀🏳️\u200d🌈"
)
# Nobody can type U+0000, and the database reads a string up to it.
_VALUES = st.text(
    st.sampled_from(_HARD) | st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    min_size=1,
    max_size=25,
)
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t"}


@st.composite
def json_strings(draw: st.DrawFn, values: st.SearchStrategy[str]) -> tuple[str, str]:
    """Draw a text and one of the ways to write it in JSON."""
    value = draw(values)
    written = []
    for letter in value:
        utf16 = letter.encode("utf-16-be").hex()
        escape = "".join(f"\\u{utf16[at : at + 4]}" for at in range(0, len(utf16), 4))
        ways = [escape, escape.upper().replace("\\U", "\\u")]
        if letter in _SHORT_ESCAPES:
            ways.append(_SHORT_ESCAPES[letter])
        if letter >= " " and letter not in '"\\':
            ways.append(letter)
        written.append(draw(st.sampled_from(ways)))
    return value, f'"{"".join(written)}"'


_PLACES: tuple[Callable[[str], str], ...] = (
    lambda text: f'"Qkey":{text}',
    lambda text: f'"a":1, "Qkey" : [null, {{ "Qkey": [ {text} ]}} ]',
    lambda text: f'"Qkey":[{text},"{"x" * 9000}"]',
)
_number = iter(range(10**9))


@settings(max_examples=10)
@given(drawn=json_strings(_VALUES), place=st.sampled_from(_PLACES), data=st.data())
def test_every_part_of_a_value_finds_its_event(
    growing_store: Store,
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[str, str],
    place: Callable[[str], str],
    data: st.DataObject,
) -> None:
    value, written = drawn
    assert json.loads(written) == value
    name = f"random-{next(_number)}"
    random_trail.add(
        growing_store, tmp_path_factory.getbasetemp(), [FORWARDED % (name, place(written))]
    )
    normal = unicodedata.normalize("NFC", value)
    start = data.draw(st.integers(0, len(normal) - 1))
    part = normal[start : data.draw(st.integers(start + 1, len(normal)))]
    swapped = "".join(c.swapcase() if c.isascii() else c for c in part)
    parts = " ".join(map(quoted, (part, unicodedata.normalize("NFD", part), swapped)))
    assert found(growing_store, f"id:{name} {parts}") == {name}
    others = ("Qkey", "writeKey", f"msg-{name}", "Web\x1f\x1fweb", "resource_type")
    without = " ".join(f"-{quoted(text)}" for text in others)
    assert found(growing_store, f"id:{name} {without}") == {name}
