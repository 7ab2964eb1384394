"""YAML that is written reads back equal, whatever is in a text."""

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from trail.core import yaml_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT), max_size=4))
@example({"a": "\x85", "b": "x\u2028 y", "c": "\r\n", "d": "\ufeff", "e": " \n ", "f": "\x7f"})
def test_a_document_reads_back_equal(document: dict[str, object]) -> None:
    assert yaml.safe_load(yaml_text.dump(document)) == document
