"""SQL for the text of a record: its values as people read them, without keys, escapes or envelope.

The values are those under `properties` of a forwarded call (its details among them) and under
`details` of an API object, at any depth: strings, numbers and booleans.
"""

# Stands between two values, so that a search never matches across them.
SEPARATOR = "\x1f"
_SEPARATOR = f"chr({ord(SEPARATOR)})"

# DuckDB reads no JSON with a lone surrogate (RFC 8259, section 8.2): every other escape is kept.
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_SURROGATES = rf"(\\[^u]|{_HIGH}{_LOW})|{_HIGH}|{_LOW}"

# Two ways to the values of `d`, a compact JSON array. Listing its nodes is faster, but repeats what
# is nested once a level; long documents are cut into tokens: keys, nulls, strings, others, marks.
SHORT = 8_192
_STRING = r'"((?:[^"\\]|\\.)*)"'
_TOKEN = rf'"(?:[^"\\]|\\.)*":|null|{_STRING}|([^"\[\]{{}},:]+)|[\[\]{{}},:]'


def joined(items: str) -> str:
    """Return SQL for the text of the list *items*."""
    return f"array_to_string({items}, {_SEPARATOR})"


def leaves(document: str) -> str:
    """Return SQL for the list of the values of *document*, a short one."""
    return (
        f"list_where(json_extract_string({document}, '$..*'), list_transform("
        f"json_type({document}, '$..*'), lambda t: t not in ('OBJECT', 'ARRAY')))"
    )


def tokens(document: str) -> str:
    """Return SQL for the values of *document* as one text, for a document of any length."""
    split = rf"regexp_replace({document}, '{_TOKEN}', '\1\2\\u001f', 'g')"
    return f"""json_extract_string('"' || {split} || '"', '$')"""


def fold(text: str) -> str:
    """Return SQL for *text* in NFC and without case, for comparing texts.

    Character by character (except ß, which is ss), so that parts of a text stay parts of it.
    """
    return f"replace(lower(upper(nfc_normalize({text}))), 'ß', 'ss')"


def values(raw: str) -> str:
    """Return SQL for the decoded values of the record *raw* as one text; null if it is not JSON."""
    parts = f"try(json_extract({raw}, ['$.properties', '$.details']))"
    repaired = parts.replace(raw, rf"regexp_replace({raw}, '{_SURROGATES}', '\1', 'g')")
    # A lambda, since every mention of a long expression would be computed again.
    return (
        f"list_transform(['[' || array_to_string(coalesce({parts}, {repaired}), ',') || ']'], "
        f"lambda d: case when strlen(d) <= {SHORT} then {joined(leaves('d'))} "
        f"else {tokens('d')} end)[1]"
    )


def may_contain(raw: str, term: str) -> str:
    """Return cheap SQL for whether *term* may be in the values of *raw*; escapes hide anything."""
    return (
        f"case when contains({raw}, '\\') then true "
        f"when strlen({raw}) = length({raw}) then contains(lower({raw}), {fold(term)}) "
        f"else contains({fold(raw)}, {fold(term)}) end"
    )
