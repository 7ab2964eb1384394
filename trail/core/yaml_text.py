"""Documents as YAML that reads back as they were."""

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes texts with invisible characters in double quotes, where each is an escape.

    In other styles, a line break that is not `\\n`, such as U+0085, is read as a space.
    """


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if all(c.isprintable() or c == "\n" for c in text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def dump(document: Any) -> str:
    """Return *document*, of JSON's types, as YAML in the order of its keys."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
