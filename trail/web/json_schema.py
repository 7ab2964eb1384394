"""Building blocks of the JSON Schemas of responses."""

from collections.abc import Mapping

from trail.web.api_route import Schema

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
TIME: Schema = {"type": "string", "format": "date-time"}


def array(items: Schema) -> Schema:
    """Return the schema of an array of *items*."""
    return {"type": "array", "items": items}


def nullable(schema: Schema) -> Schema:
    """Return *schema*, which must have a `type`, with null allowed."""
    return {**schema, "type": [schema["type"], "null"]}


def record(optional: Mapping[str, Schema] | None = None, /, **required: Schema) -> Schema:
    """Return the schema of an object with *required* and *optional* fields."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }
