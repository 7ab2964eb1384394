"""Write docs/search.md from the search language; a test compares the two, and runs the examples."""

from pathlib import Path

from trail.storage import search_syntax
from trail.storage.search_help import EXAMPLES, FIELDS
from trail.storage.search_lexer import MAX_WILDCARDS

PAGE = Path(__file__).parent / "search.md"

_INTRODUCTION = """# Search language

The search box on Explore, `q` in links and on `/api`, and `--query q=…` of the commands use one language. A word is searched for in what people read: the action, the actor (ID, name, email), the target (type, ID, name), the workspace and the values in the details of an event; not in keys. Case does not matter, nor whether an accent is composed. All words must match."""  # noqa: E501

# What is said below the examples of a topic.
_NOTES = {
    "Words and phrases": "A word ends at a space, or at a parenthesis that it did not open: "
    "`f(x)` is one word. A dash excludes only at the start of a word. To search for anything as it "
    'is, put it in quotation marks: `"OR"`, `"prod*"`, `"actor:"`.',
    "Fields": "A word before a colon that is not one of these is part of the text, as in "
    "`https://example.com`. Spaces may stand around the colon, or another sign, after a field: "
    "`actor : terraform`, `risk >= 7`.",
    "Combinations": "`AND`, `OR` and `NOT` are operators in capitals only; a dash is the same as "
    "`NOT`.",
    "Wildcards": "`*` stands for any characters within a value, and `?` for one. In a field, the "
    "word must match the whole value. Without a field, and with `raw:`, it may match anywhere, as "
    "words do: "
    f"`prod*` finds what `prod` finds. A word has at most {MAX_WILDCARDS} of `*`. In a word, a "
    "backslash takes the meaning from the space or sign after it, such as `*`, `?`, `(` or `:`; "
    "before a letter or digit it is itself, as in `DOMAIN\\user`.",
    "Time": "A day, hour or minute is meant as a whole. Names such as `this_week` are those of "
    "`from` in [links](routes.md). The range of the page applies as well.",
}

_REST = f"""## Errors

A search that cannot be read is not run. The message names the position and, where one is known, the correction:

    Unknown field 'target_name'. Did you mean target?

On `/api` and `/export` the answer has the status 400 and the fields `error`, `hint`, `search` (the text), `start` and `end` (the position in characters, from 0, the end excluded) and `correction` (the text as probably meant, or empty).

All search texts of a filter have at most {search_syntax.MAX_TERMS} words, each text at most {search_syntax.MAX_CHARS:,} characters.

## Searches of earlier versions

Before this language, `OR`, `AND`, `NOT`, parentheses, `*` and comparisons were plain words. Alert rules, forwarding filters and sign-offs of those versions keep that meaning. Links and rules in YAML are read in the language above; add `&syntax=1` to read one as before.

## Grammar
"""  # noqa: E501


def text() -> str:
    """Return the page."""
    lines = [_INTRODUCTION, ""]
    for topic, examples in EXAMPLES.items():
        lines += [f"## {topic}", "", "| search | finds |", "|---|---|"]
        lines += [f"| `{example}` | {meaning} |" for example, meaning in examples]
        if topic == "Fields":
            lines += ["", "| field | searches |", "|---|---|"]
            lines += [f"| `{name}` | {meaning} |" for name, meaning in FIELDS.items()]
        if topic in _NOTES:
            lines += ["", _NOTES[topic]]
        lines.append("")
    grammar = (search_syntax.__doc__ or "").split("\n\n")[1]
    return "\n".join([*lines, _REST, grammar]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
