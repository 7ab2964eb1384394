"""The search language: its grammar, how it is written, and its messages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.errors import FilterError
from trail.storage.search_syntax import (
    FIELDS,
    TEXT_FIELDS,
    All,
    Any,
    Node,
    Not,
    SearchError,
    Term,
    all_of,
    any_of,
    check,
    marks,
    parse,
    quoted,
    risk_range,
    terms,
    together,
    with_operators,
    written,
)

_WORDS = st.text(
    st.sampled_from('ab*?"\\():-<>=!.,ORANDT 7dé\u00a0\n')
    | st.characters(exclude_categories=("Cs",)),
    max_size=12,
)


def _pattern(parts: list[str]) -> str:
    """Return the pattern of literal texts and wildcards, one of them a `?`."""
    return "?" + "".join(
        part if part in ("*", "?") else re.sub(r"[*?\\]", r"\\\g<0>", part.replace("*", ""))
        for part in parts
    )


_TERMS = st.one_of(
    st.builds(Term, st.sampled_from(("", *TEXT_FIELDS)), _WORDS.filter(bool)),
    st.builds(
        Term,
        st.sampled_from(("", *TEXT_FIELDS)),
        st.builds(_pattern, st.lists(_WORDS | st.sampled_from(("*", "?")), max_size=6)),
        wildcards=st.just(True),
    ),
    st.builds(Term, st.just("risk"), st.sampled_from(("0", "10", "4..6", "high"))),
    st.builds(
        Term,
        st.sampled_from(("risk", "time")),
        st.just("7"),
        comparison=st.sampled_from((">=", ">", "<=", "<")),
    ).map(lambda term: Term(term.field, "7d", comparison=">=") if term.field == "time" else term),
)


def _negated(node: Node) -> Node:
    return node.node if isinstance(node, Not) else Not(node)


_NODES = st.recursive(
    _TERMS,
    lambda inner: st.one_of(
        inner.map(_negated),
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


@given(node=_NODES)
def test_what_is_written_is_read_as_the_same(node: Node) -> None:
    assert parse(written(node)) == node


@given(text=_WORDS | st.lists(st.sampled_from(
    ["a", "b*", '"c d"', "actor:e", "risk", "target", ":", ">=", "!=", "7", "“", "”", "actor:",
     "-", "NOT", "AND", "OR", "(", ")", "risk>=7", "time:7d", "id:("]
), max_size=12).map(" ".join))  # fmt: skip
def test_a_text_is_read_or_its_error_says_where(text: str) -> None:
    try:
        node = parse(text)
    except SearchError as error:
        assert 0 <= error.start <= error.end <= len(text)
        assert error.message.endswith((".", "?"))
        return
    again = written(node)
    assert parse(again) == node
    assert written(parse(again)) == again


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("  \t ", None),
        ('""', None),
        ("one two", All((Term("", "one"), Term("", "two")))),
        ("one AND two", All((Term("", "one"), Term("", "two")))),
        ('"one two"', Term("", "one two")),
        ('-"one two"', Not(Term("", "one two"))),
        ("NOT one", Not(Term("", "one"))),
        ("NOT -one", Term("", "one")),
        ("one OR two three", Any((Term("", "one"), All((Term("", "two"), Term("", "three")))))),
        ("-(one OR two)", Not(Any((Term("", "one"), Term("", "two"))))),
        ("actor:(ana OR id:x)", Any((Term("actor", "ana"), Term("id", "x")))),
        ("-actor:ana", Not(Term("actor", "ana"))),
        ("Actor:Ana", Term("actor", "Ana")),
        ("actor:a:b", Term("actor", "a:b")),
        ('-target:"a b"', Not(Term("target", "a b"))),
        (r'"say \"hi\" \\ x"', Term("", 'say "hi" \\ x')),
        ("prod*", Term("", "prod*", wildcards=True)),
        ('"100*"', Term("", "100*")),
        ("prod-?", Term("", "prod-?", wildcards=True)),
        (r"eu\ prod*", Term("", "eu prod*", wildcards=True)),
        (r"100\*", Term("", "100*")),
        (r"why\? a\?b?", All((Term("", "why?"), Term("", r"a\?b?", wildcards=True)))),
        (r"-actor:\(a\ b\)", Not(Term("actor", "(a b)"))),
        (r"\-a actor\:b \"c", All((Term("", "-a"), Term("", "actor:b"), Term("", '"c')))),
        (
            r"DOMAIN\user a\\* x\ ",
            All((Term("", r"DOMAIN\user"), Term("", "a\\\\*", wildcards=True), Term("", "x "))),
        ),
        ("(a?)", Term("", "a?", wildcards=True)),
        ("risk>=7", Term("risk", "7", comparison=">=")),
        ("risk:>7", Term("risk", "7", comparison=">")),
        ("risk=7", Term("risk", "7")),
        ("risk:4..6", Term("risk", "4..6")),
        ("risk:HIGH", Term("risk", "high")),
        ("time<2026-11-23T14:30", Term("time", "2026-11-23T14:30", comparison="<")),
        ("time:2026-11-20..7d", Term("time", "2026-11-20..7d")),
        ("http://x.example", Term("", "http://x.example")),
        ("colour:red", Term("", "colour:red")),
        ("12:30", Term("", "12:30")),
        ("a-b", Term("", "a-b")),
        ("a=b", Term("", "a=b")),
        ("f(x)", Term("", "f(x)")),
        ("(f(x))", Term("", "f(x)")),
        ("or and not", All((Term("", "or"), Term("", "and"), Term("", "not")))),
        ("-", Term("", "-")),
        ("--x", Not(Term("", "-x"))),
        ("-OR", Not(Term("", "OR"))),
        ("risk >= 7", Term("risk", "7", comparison=">=")),
        ("risk: > 7", Term("risk", "7", comparison=">")),
        ("time : 7d", Term("time", "7d")),
        ("-Actor : ana x", All((Not(Term("actor", "ana")), Term("", "x")))),
        ('actor: "a b"', Term("actor", "a b")),
        ("actor : (a OR b)", Any((Term("actor", "a"), Term("actor", "b")))),
        ('risk ">=" 7', All((Term("", "risk"), Term("", ">="), Term("", "7")))),
        ("other : x", All((Term("", "other"), Term("", ":"), Term("", "x")))),
        ("“one two”", Term("", "one two")),
        ("target:“a b”", Term("target", "a b")),
        ("“one two", All((Term("", "“one"), Term("", "two")))),
        ("@ana a!=b", All((Term("", "@ana"), Term("", "a!=b")))),
        ("@evt:x", Term("", "@evt:x")),
    ],
)
def test_meaning(text: str, expected: Node | None) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "place", "correction"),
    [
        ("x target_name:y", "Unknown field 'target_name'. Did you mean target?", "target_name",
         "x target:y"),
        ("User:y", "Unknown field 'User'. Did you mean actor?", "User", "actor:y"),
        ("severity>=7", "Unknown field 'severity'. Did you mean risk?", "severity", "risk>=7"),
        ("actor=ana", "actor cannot be compared with =.", "actor=", "actor:ana"),
        ("x " + "a*" * 9, "The word has 9 wildcards.", "a*" * 9, ""),
        ("time>2026-13-01", "time cannot be compared with '2026-13-01'.", "time>2026-13-01", ""),
        (")", "A parenthesis is closed that is not open.", ")", ""),
        ("user:y", "Unknown field 'user'. Did you mean actor?", "user", "actor:y"),
        ("acter:y", "Unknown field 'acter'. Did you mean actor?", "acter", "actor:y"),
        ("-actons:y", "Unknown field 'actons'. Did you mean action?", "actons", "-action:y"),
        ("actor:", "actor: has no value.", "actor:", ""),
        ('actor:""', "actor: has no value.", 'actor:""', ""),
        ('a "b c', "The quotation mark is not closed.", '"b c', 'a "b c"'),
        ("a (b", "A parenthesis is not closed.", "(", "a (b)"),
        ("a f(b", "A parenthesis is not closed.", "(", "a f(b)"),
        ("a) b", "A parenthesis is closed that is not open.", ")", "a b"),
        ("a OR", "A word is missing after OR.", "OR", ""),
        ("OR a", "A word is missing before OR.", "OR", ""),
        ("a AND OR b", "A word is missing after AND.", "AND", ""),
        ("a NOT", "A word is missing after NOT.", "NOT", ""),
        ("a ()", "A group in parentheses is empty.", "()", ""),
        ("risk>11", "risk cannot be compared with '11'.", "risk>11", ""),
        ("risk>=4..6", "risk cannot be compared with '4..6'.", "risk>=4..6", ""),
        ("risk:", "risk has no value.", "risk:", ""),
        ("actor: OR b", "actor: has no value.", "actor: ", ""),
        ("x kind!=read", "kind cannot be compared with !=.", "kind!=", "x -kind:read"),
        ('x -kind <> "a b"', "kind cannot be compared with <>.", "kind <> ", 'x kind:"a b"'),
        ("target = x y", "target cannot be compared with =.", "target = ", "target:x y"),
        ("@actor:ana", "Unknown field '@actor'. Did you mean actor?", "@actor", "actor:ana"),
        ("@user:ana", "Unknown field '@user'. Did you mean actor?", "@user", "actor:ana"),
        ("a risk:[4 TO 6] b", "risk cannot be compared with '[4 TO 6]'.", "risk:[4 TO 6]",
         "a risk:4..6 b"),
        ("time:[2026-11-01 to *]", "time cannot be compared with '[2026-11-01 to *]'.",
         "time:[2026-11-01 to *]", "time>=2026-11-01"),
        ("time>monday", "time cannot be compared with 'monday'.", "time>monday", ""),
        ("(" * 17 + "a" + ")" * 17, "The search has too many groups within groups.", "(", ""),
    ],
)  # fmt: skip
def test_an_error_says_what_where_and_how(
    text: str, message: str, place: str, correction: str
) -> None:
    with pytest.raises(SearchError) as raised:
        parse(text)
    error = raised.value
    assert error.message == message
    assert text[error.start : error.end] == place
    assert error.correction == correction


def test_a_correction_of_many_faults_ends_in_a_text_that_is_read() -> None:
    text = '(user:ana OR status:"x'
    for _ in range(9):
        try:
            parse(text)
            break
        except SearchError as error:
            text = error.correction
    assert text == '(actor:ana OR outcome:"x")'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("risk:7", (7, 7)),
        ("risk:4..6", (4, 6)),
        ("risk:low", (0, 3)),
        ("risk>=7", (7, 10)),
        ("risk>7", (8, 10)),
        ("risk<=7", (0, 7)),
        ("risk<7", (0, 6)),
    ],
)
def test_range_of_risks(text: str, expected: tuple[int, int]) -> None:
    term = parse(text)
    assert isinstance(term, Term)
    assert risk_range(term) == expected


@given(name=st.sampled_from(("", *TEXT_FIELDS)), text=_WORDS.filter(bool))
def test_a_quoted_text_is_one_term(name: str, text: str) -> None:
    node = parse(f"before {name}{':' if name else ''}{quoted(text)} after")
    assert list(terms(node))[1:-1] in ([Term(name, text)], [])  # [] if it repeats another
    assert Term(name, text) in terms(node)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a or b", "a OR b"),
        ("actor:a And (b or c)", "actor:a AND (b OR c)"),
        ("not a", "NOT a"),
        ("a and not b || c && d", "a AND NOT b OR c AND d"),
        ("a OR b -c", ""),
        ('a "or" b', ""),
        ("-or b", ""),
        ("or", ""),
        ("a or", ""),
        ("or b", ""),
        ("a OR or", ""),
        ("actor:or b", ""),
        ("a or (b", ""),
    ],
)
def test_operators_in_lower_case_are_found(text: str, meant: str) -> None:
    assert with_operators(text) == meant


@given(node=_NODES)
def test_words_in_quotation_marks_are_no_operators(node: Node) -> None:
    text = written(node)
    meant = with_operators(text)
    assert not meant or parse(meant) != node


def test_texts_to_highlight() -> None:
    texts = ('a "b c" OR actor:d', "-e -(f OR -g) NOT NOT h k*l? risk>=7 time:7d raw:m")
    assert marks(texts) == ["a", "b c", "d", "g", "h", "k", "l", "m"]
    assert marks("one two") == ["one", "two"]
    assert marks(("one", "(")) == marks(()) == []


def test_texts_are_put_together_as_all_of_them() -> None:
    assert together(("a  OR b",)) == "a  OR b"
    assert together(("a OR b", "c", "", "c d")) == "(a OR b) c d"


def test_limits() -> None:
    with pytest.raises(FilterError, match=r"1,001 characters.*at most 1,000"):
        check(["x", "x" * 1001])
    check(["one two"] * 16)
    with pytest.raises(FilterError, match=r"33\. Use at most 32"):
        check([*["one OR two"] * 16, "x"])


def test_every_field_is_known() -> None:
    for field in FIELDS:
        value = {"risk": "1", "time": "7d"}.get(field, "x")
        assert parse(f"{field}:{value}") == Term(field, value)
