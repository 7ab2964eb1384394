"""Every secret setting, discovered in the settings model, with a recognizable value."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr

from trail.core.model import Forwarder
from trail.core.settings import assembled

# A setting with such a name must be declared as a secret.
_SECRET_NAME = re.compile(r"token|secret|password|passwd|credential|(^|_)keys?$", re.IGNORECASE)


def setting_paths(
    model: type[BaseModel] | None = None, above: tuple[str, ...] = ()
) -> Iterator[Any]:
    """Yield (path, annotation) of every setting below *model* (default: all), without sections."""
    for name, field in (model or assembled()).model_fields.items():
        path, kind = (*above, name), field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from setting_paths(kind, path)
        else:
            yield path, kind


def is_secret(kind: Any) -> bool:
    """Return whether the annotation *kind* is, or contains, a secret."""
    return kind is SecretStr or any(is_secret(argument) for argument in get_args(kind))


def undeclared() -> list[str]:
    """Return the settings that are named like secrets but not declared as such."""
    return [
        ".".join(path)
        for path, kind in setting_paths()
        if _SECRET_NAME.search(path[-1]) and kind is not bool and not is_secret(kind)
    ]


def environment(
    forwarders: dict[str, Forwarder], echo: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the environment that sets every secret, and each secret's word by its name.

    A dict of secrets gets one for each secret field of each forwarder, which sends to *echo*.
    """
    given: dict[str, str] = {}
    words: dict[str, str] = {}

    def word(name: str) -> str:
        words[name] = f"Hush{len(words):02}" + re.sub("[^a-z]", "", name)[:12] + "Q7w9Zt4Kx2Lm"
        return words[name]

    for path, kind in setting_paths():
        if not is_secret(kind):
            continue
        name = ".".join(path)
        origin = get_origin(kind)
        if kind is SecretStr:
            value = word(name)
        elif origin in (tuple, list):
            value = json.dumps([word(f"{name}.0"), word(f"{name}.1")])
        elif origin is dict:
            value = json.dumps(
                {
                    f"{forwarder.name}_{secret.name}": _formed(
                        secret.example, word(f"{name}.{forwarder.name}.{secret.name}"), echo
                    )
                    for forwarder in forwarders.values()
                    for secret in forwarder.secrets
                }
            )
        else:
            raise AssertionError(f"no value is known for {name}: {kind}")
        given["TRAIL_" + "__".join(path).upper()] = value
    return given, words


def _formed(example: str, word: str, echo: str) -> str:
    """Return a secret of the form of *example* that contains *word*."""
    scheme, separator, _ = example.partition("://")
    if separator:
        return f"{'http' if scheme == 'https' else scheme}://{echo}/services/{word}"
    if example.startswith("whsec_"):
        return "whsec_" + base64.b64encode(word.encode()).decode()
    return word


def forms(word: str) -> list[bytes]:
    """Return the forms in which *word* can appear: plain, or within base64."""
    result = [word.encode()]
    for shift in range(3):
        packed = base64.b64encode(b"x" * shift + word.encode())
        # The characters at either end depend on the adjacent text.
        result.append(packed[4 if shift else 0 : len(packed) - 4])
    return result
