"""SQL for the text of a record: its values as people read them, without keys, escapes or envelope.

The values are those under `properties` of a forwarded call (its details among them) and under
`details` of an API object, at any depth: strings, numbers and booleans.
"""

# Stands between two values, so that a search never matches across them.
_SEPARATOR = "chr(31)"

# DuckDB reads no JSON with a lone surrogate (RFC 8259, section 8.2): every other escape is kept.
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_SURROGATES = rf"(\\[^u]|{_HIGH}{_LOW})|{_HIGH}|{_LOW}"

# Two ways to the values of `d`, a compact JSON array. Listing its nodes is faster, but repeats what
# is nested once a level; long documents are cut into tokens: keys, nulls, strings, others, marks.
_SHORT = 8_192
_LEAVES = (
    "array_to_string(list_where(json_extract_string(d, '$..*'), "
    f"list_transform(json_type(d, '$..*'), lambda t: t not in ('OBJECT', 'ARRAY'))), {_SEPARATOR})"
)
_STRING = r'"((?:[^"\\]|\\.)*)"'
_TOKEN = rf'"(?:[^"\\]|\\.)*":|null|{_STRING}|([^"\[\]{{}},:]+)|[\[\]{{}},:]'
_SPLIT = rf"regexp_replace(d, '{_TOKEN}', '\1\2\\u001f', 'g')"
_TOKENS = f"""json_extract_string('"' || {_SPLIT} || '"', '$')"""


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
        f"lambda d: case when strlen(d) <= {_SHORT} then {_LEAVES} else {_TOKENS} end)[1]"
    )


def may_contain(raw: str, term: str) -> str:
    """Return cheap SQL for whether *term* may be in the values of *raw*; escapes hide anything."""
    return (
        f"case when contains({raw}, '\\') then true "
        f"when strlen({raw}) = length({raw}) then contains(lower({raw}), {fold(term)}) "
        f"else contains({fold(raw)}, {fold(term)}) end"
    )
