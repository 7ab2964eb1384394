"""Mask e-mail addresses in the messages that draw pages for masked roles.

Messages are parsed and serialized again, so that only texts change and never the lengths and
numbers between them. This includes the Arrow data of tables, whose cells are adjacent.
"""

from typing import Any

import pyarrow as pa
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from trail.core.email_mask import mask


def masked(data: bytes) -> bytes:
    """Return the message *data* of Streamlit with every e-mail masked.

    Raises `google.protobuf.message.DecodeError` for other data.
    """
    message = ForwardMsg.FromString(data)
    mask_texts(message)
    return bytes(message.SerializeToString())


def mask_texts(message: Message) -> None:
    """Mask the e-mails in all texts and bytes of *message*, at any depth."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
            _mask_map(field.message_type.fields_by_name["value"], value)
        elif not field.is_repeated:
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                mask_texts(value)
            else:
                setattr(message, field.name, _masked(value))
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for inside in value:
                mask_texts(inside)
        else:
            value[:] = [_masked(inside) for inside in value]


def _mask_map(kind: FieldDescriptor, values: Any) -> None:
    for key in list(values):
        if kind.type == FieldDescriptor.TYPE_MESSAGE:
            mask_texts(values[key])
        else:
            values[key] = _masked(values[key])


def _masked(value: Any) -> Any:
    if isinstance(value, bytes):
        return _masked_table(value)
    return mask(value.encode()).decode() if isinstance(value, str) else value


def _masked_table(data: bytes) -> bytes:
    """Return Arrow data with masked cells; other data and nested cells are masked as a whole."""
    try:
        table = pa.ipc.open_stream(data).read_all()
    except (pa.ArrowException, OSError):
        return mask(data)
    columns = [_masked_column(column) for column in table.columns]
    if any(column is None for column in columns):
        return mask(data)
    sink = pa.BufferOutputStream()
    changed = pa.Table.from_arrays(columns, schema=table.schema)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(changed)
    return bytes(sink.getvalue())


def _masked_column(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        cells = [cell and mask(cell.encode()).decode() for cell in column.to_pylist()]
        return pa.chunked_array([pa.array(cells, kind)])
    return column if pa.types.is_primitive(kind) or pa.types.is_null(kind) else None
