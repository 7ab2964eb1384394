"""Write documents as YAML that parses back to equal values."""

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes strings with invisible characters in double quotes, with escapes.

    In other styles, a line break that is not `\\n`, such as U+0085, is read as a space.
    """


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if all(c.isprintable() or c == "\n" for c in text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def dump(document: Any) -> str:
    """Return *document*, which has JSON types, as YAML; key order is kept."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
