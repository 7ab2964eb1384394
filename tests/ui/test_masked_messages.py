"""Messages of pages for masked roles: every text is masked, and each message stays one."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from ui import masked_messages

EMAIL = "maya.lind.of.the.north@mail.example.com"
MASKED = "m*********************@mail.example.com"


def text_fields() -> Iterator[tuple[Descriptor, FieldDescriptor]]:
    """Yield every field with text of every message that can be part of a page."""
    known, left = set[str](), [ForwardMsg.DESCRIPTOR]
    while left:
        kind = left.pop()
        if kind.full_name in known:
            continue
        known.add(kind.full_name)
        for field in kind.fields:
            if field.message_type:
                left.append(field.message_type)
            elif field.type == FieldDescriptor.TYPE_STRING:
                yield kind, field


FIELDS = sorted(text_fields(), key=lambda pair: pair[1].full_name)


def test_every_text_of_every_message_is_masked() -> None:
    assert len(FIELDS) > 200
    for kind, field in FIELDS:
        message = GetMessageClass(kind)()
        if field.is_repeated:
            getattr(message, field.name).extend([EMAIL, "x"])
        else:
            setattr(message, field.name, EMAIL)
        masked_messages.mask_texts(message)
        again = type(message).FromString(message.SerializeToString())
        value = getattr(again, field.name)
        assert (value[0] if field.is_repeated else value) == MASKED, field.full_name


@given(before=st.text(max_size=30), after=st.text(max_size=120), places=st.integers(0, 9))
def test_only_the_texts_of_a_message_change(before: str, after: str, places: int) -> None:
    message = ForwardMsg()
    message.metadata.delta_path.extend(range(places))
    element = message.delta.new_element
    element.selectbox.raw_value = f"{EMAIL}{after}"
    element.selectbox.options.extend([before, f"{before} {EMAIL}"])
    element.selectbox.id = "no address"
    result = ForwardMsg.FromString(masked_messages.masked(message.SerializeToString()))
    shown = result.delta.new_element.selectbox
    assert EMAIL not in str(result)
    assert shown.options[0] == before or "@" in before
    assert (shown.id, list(result.metadata.delta_path)) == ("no address", list(range(places)))
    shown.raw_value = element.selectbox.raw_value
    shown.options[:] = element.selectbox.options
    assert result == message


def test_a_table_stays_readable() -> None:
    frame = pd.DataFrame({"actor": [EMAIL, "a@b.example", "plain", None], "events": [1, 2, 64, 9]})
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pandas(frame)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    message = ForwardMsg()
    given_table = message.delta.new_element.dataframe
    given_table.arrow_data.data = sink.getvalue().to_pybytes()
    given_table.button_click_widgets["actor"] = EMAIL
    result = ForwardMsg.FromString(masked_messages.masked(message.SerializeToString()))
    shown_table = result.delta.new_element.dataframe
    assert dict(shown_table.button_click_widgets) == {"actor": MASKED}
    read = pa.ipc.open_stream(shown_table.arrow_data.data).read_all()
    assert read.column("events").to_pylist() == [1, 2, 64, 9]
    shown = read.column("actor").to_pylist()
    assert shown == [MASKED, "*@b.example", "plain", None]
    assert read.schema == table.schema


def test_cells_that_are_lists_are_masked_as_a_whole() -> None:
    table = pa.table({"actors": [[EMAIL], ["plain"]]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    message = ForwardMsg()
    message.delta.new_element.dataframe.arrow_data.data = sink.getvalue().to_pybytes()
    result = ForwardMsg.FromString(masked_messages.masked(message.SerializeToString()))
    data = result.delta.new_element.dataframe.arrow_data.data
    assert pa.ipc.open_stream(data).read_all().to_pylist() == [
        {"actors": [MASKED]},
        {"actors": ["plain"]},
    ]


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(Exception, match="parsing"):
        masked_messages.masked(b"\xff\xff\xff")
