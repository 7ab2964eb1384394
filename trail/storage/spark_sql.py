"""The SQL of conditions and columns of archived events, for Spark.

The product writes its SQL for DuckDB. What of it a cluster has to decide is a small part of the
language: comparisons, lists, Boolean words, times and counts. This is the adapter for it; whatever
else there is raises `UntranslatableError` and is left to DuckDB.
"""

import datetime as dt
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlglot import exp

_SAFE = frozenset(string.ascii_letters + string.digits + " _.:@/-")
# Longer lists are left to DuckDB: they take longer to plan than what they leave out.
_MOST_VALUES = 20_000
# Longer lists of keys are hidden from the scan of the files, by an operation that changes nothing:
# filters of files leave out little then, and looking at statistics doubles the time of a scan.
_MOST_SOUGHT = 50
_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.And: "and",
    exp.Or: "or",
    exp.Add: "+",
    exp.Sub: "-",
}
_CASTS = {
    "INT": "int",
    "BIGINT": "bigint",
    "VARCHAR": "string",
    "TEXT": "string",
    "DATE": "date",
    "TIMESTAMPNTZ": "timestamp_ntz",
}
_UNITS = {"HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "MINUTE", "SECOND"}

Query = Callable[[], list[Any]]
Columns = Callable[[exp.Column], str]


class UntranslatableError(Exception):
    """What stands in the SQL is not among what the cluster is asked."""


class Translator:
    """Translates expressions of one statement.

    *column* returns the name of a column in Spark and raises `UntranslatableError` for others.
    *params* has the values of parameters, and *queries* what returns the values that a query of
    small tables finds, by the name of the parameter that stands for it.
    """

    def __init__(
        self, column: Columns, params: Mapping[str, Any], queries: Mapping[str, Query]
    ) -> None:
        self._column, self._params, self._queries = column, params, queries

    def sql(self, node: exp.Expression) -> str:
        """Return *node* in Spark's SQL; raises `UntranslatableError`."""
        word = _COMPARISONS.get(type(node))
        if word:
            return f"({self.sql(node.this)} {word} {self.sql(node.expression)})"
        translate = _NODES.get(type(node))
        if translate is None:
            raise UntranslatableError(type(node).__name__)
        return translate(self, node)

    def parameter(self, node: exp.Placeholder) -> Any:
        """Return the value of the parameter *node*, such as `$name`."""
        if node.name in self._queries:
            (value,) = self._found(node.name) or (None,)
            return value
        if node.name not in self._params:
            raise UntranslatableError(f"parameter {node.name}")
        return self._params[node.name]

    def in_list(self, node: exp.In) -> str:
        if node.args.get("query"):
            raise UntranslatableError("a query")
        values: list[str] = []
        for one in node.expressions:
            if isinstance(one, exp.Placeholder) and one.name in self._queries:
                values += map(literal, self._found(one.name))
            else:
                values.append(self.sql(one))
        return listed(self.sql(node.this), values)

    def _found(self, name: str) -> list[Any]:
        found = self._queries[name]()
        if len(found) > _MOST_VALUES:
            raise UntranslatableError("a long list")
        return found

    def contains(self, node: exp.Expression) -> str:
        """Translate a list's and a text's `contains`, which sqlglot tells apart by the name."""
        searched, sought = node.this, node.expression
        if isinstance(searched, exp.Placeholder):
            return listed(self.sql(sought), [literal(one) for one in self.parameter(searched)])
        if isinstance(searched, exp.Array):
            return listed(self.sql(sought), [self.sql(one) for one in searched.expressions])
        if isinstance(node, exp.ArrayContains):
            raise UntranslatableError("a list")
        if isinstance(searched, exp.Lower):
            return f"contains({self._lowered(searched, sought)}, {self.sql(sought)})"
        return f"contains({self.sql(searched)}, {self.sql(sought)})"

    def _lowered(self, searched: exp.Lower, sought: exp.Expression) -> str:
        """Translate a lowered text in which an ASCII one is sought.

        Only `İ` is lowered to other ASCII letters here (`i`) than by Java (`i` and a dot).
        """
        if not isinstance(sought, exp.Literal) or not sought.name.isascii():
            raise UntranslatableError("other letters")
        return f"lower(replace({self.sql(searched.this)}, {literal('İ')}, 'i'))"

    def cast(self, node: exp.Cast) -> str:
        kind = node.to.this.name if isinstance(node.to, exp.DataType) else ""
        if kind not in _CASTS:
            raise UntranslatableError(f"cast to {kind}")
        if kind == "TIMESTAMPNTZ" and isinstance(node.this, exp.Literal):
            return literal(dt.datetime.fromisoformat(node.this.name))
        return f"cast({self.sql(node.this)} as {_CASTS[kind]})"

    def bit(self, node: exp.Expression) -> str:
        """Translate `get_bit('0101'::bit, n)`, by which the product tests long lists of keys."""
        mask = node.this.this if isinstance(node.this, exp.Cast) else node.this
        if not isinstance(mask, exp.Literal):
            raise UntranslatableError("bits")
        place = self.sql(node.expression)
        return f"cast(substring({literal(mask.name)}, {place} + 1, 1) as int)"

    def truncated(self, node: exp.Expression) -> str:
        unit = str(node.args["unit"].name).upper()
        if unit not in _UNITS:
            raise UntranslatableError(f"date_trunc {unit}")
        return f"cast(date_trunc('{unit}', {self.sql(node.this)}) as timestamp_ntz)"

    def anonymous(self, node: exp.Anonymous) -> str:
        name, arguments = node.name.lower(), node.expressions
        if name == "to_seconds" and len(arguments) == 1:
            return f"make_dt_interval(0, 0, 0, {self.sql(arguments[0])})"
        if name == "epoch_us" and len(arguments) == 1:
            return _micros(self.sql(arguments[0]))
        raise UntranslatableError(name)

    def bucket(self, node: exp.DateBin) -> str:
        """Translate `time_bucket(to_seconds(n), time, origin)`."""
        width, origin = node.this, node.args.get("unit")
        if not isinstance(width, exp.Anonymous) or width.name.lower() != "to_seconds" or not origin:
            raise UntranslatableError("time_bucket")
        time, start = _micros(self.sql(node.expression)), _micros(self.sql(origin))
        us = f"{self.sql(width.expressions[0])} * 1000000L"
        return f"cast(timestamp_micros({time} - pmod({time} - {start}, {us})) as timestamp_ntz)"

    def case(self, node: exp.Case) -> str:
        if node.this is not None:
            raise UntranslatableError("case")
        parts = [
            f"when {self.sql(one.this)} then {self.sql(one.args['true'])}"
            for one in node.args["ifs"]
        ]
        default = node.args.get("default")
        return f"(case {' '.join(parts)}{f' else {self.sql(default)}' if default else ''} end)"

    def count(self, node: exp.Count) -> str:
        if isinstance(node.this, exp.Star):
            return "count(*)"
        if isinstance(node.this, exp.Distinct) or node.expressions:
            raise UntranslatableError("count")
        return f"count({self.sql(node.this)})"

    def column(self, node: exp.Column) -> str:
        return self._column(node)


def literal(value: Any) -> str:
    """Return *value* as a literal of Spark's SQL; texts may be anything."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            return str(value) if abs(value) < 2**31 else f"{value}L"
        case str():
            return f"'{''.join(map(_escaped, value))}'"
        case dt.datetime():
            return f"timestamp_ntz'{value.isoformat(' ', 'microseconds')}'"
        case dt.date():
            return f"date'{value.isoformat()}'"
    raise UntranslatableError(type(value).__name__)


def _escaped(letter: str) -> str:
    # Also `$`: Spark replaces `${name}` in the text of a statement.
    if letter in _SAFE:
        return letter
    return f"\\u{ord(letter):04X}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08X}"


def listed(tested: str, values: Iterable[str]) -> str:
    """Return the condition that *tested* is one of *values*, both as SQL; false without values."""
    values = list(values)
    if len(values) > _MOST_VALUES:
        raise UntranslatableError("a long list")
    if len(values) > _MOST_SOUGHT and all(value.isdigit() for value in values):
        tested = f"({tested} ^ 0)"
    return f"({tested} in ({', '.join(values)}))" if values else "false"


def _micros(sql: str) -> str:
    return f"unix_micros(cast({sql} as timestamp))"


def _number(_: Translator, node: exp.Expression) -> str:
    if node.is_string:
        return literal(node.name)
    if not node.name.isdigit():
        raise UntranslatableError("number")
    return literal(int(node.name))


def _call(name: str) -> Callable[[Translator, exp.Expression], str]:
    def translate(to: Translator, node: exp.Expression) -> str:
        arguments = [node.this, *node.expressions] if node.this is not None else node.expressions
        if node.args.get("expression") is not None:
            arguments.append(node.expression)
        return f"{name}({', '.join(to.sql(one) for one in arguments)})"

    return translate


_NODES: dict[type[exp.Expression], Callable[[Translator, Any], str]] = {
    exp.Column: Translator.column,
    exp.Literal: _number,
    exp.Boolean: lambda _, node: str(node.this).lower(),
    exp.Null: lambda _, __: "null",
    exp.Paren: lambda to, node: f"({to.sql(node.this)})",
    exp.Not: lambda to, node: f"(not {to.sql(node.this)})",
    exp.Neg: lambda to, node: f"(-{to.sql(node.this)})",
    exp.Is: lambda to, node: f"({to.sql(node.this)} is {to.sql(node.expression)})",
    exp.NullSafeNEQ: lambda to, node: f"(not ({to.sql(node.this)} <=> {to.sql(node.expression)}))",
    exp.NullSafeEQ: lambda to, node: f"({to.sql(node.this)} <=> {to.sql(node.expression)})",
    exp.Between: lambda to, node: (
        f"({to.sql(node.this)} between {to.sql(node.args['low'])} and {to.sql(node.args['high'])})"
    ),
    exp.In: Translator.in_list,
    exp.Contains: Translator.contains,
    exp.ArrayContains: Translator.contains,
    exp.Coalesce: _call("coalesce"),
    exp.Nullif: _call("nullif"),
    exp.Least: _call("least"),
    exp.Min: _call("min"),
    exp.Max: _call("max"),
    exp.Abs: _call("abs"),
    exp.Hour: _call("hour"),
    exp.Count: Translator.count,
    exp.Filter: lambda to, node: (
        f"{to.sql(node.this)} filter (where {to.sql(node.expression.this)})"
    ),
    exp.Cast: Translator.cast,
    exp.Case: Translator.case,
    exp.Getbit: Translator.bit,
    exp.TimestampTrunc: Translator.truncated,
    exp.DateBin: Translator.bucket,
    exp.DayOfWeekIso: lambda to, node: f"(weekday({to.sql(node.this)}) + 1)",
    exp.Placeholder: lambda to, node: literal(to.parameter(node)),
    exp.Anonymous: Translator.anonymous,
}
