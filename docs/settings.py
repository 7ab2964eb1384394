"""Writes docs/settings.md from the settings themselves; a test holds the two together."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from trail.settings import Settings

PAGE = Path(__file__).parent / "settings.md"


def text() -> str:
    """Return the page: each setting with its variable, default and meaning."""
    lines = [
        "# Settings",
        "",
        "In `trail.toml`, tokens and keys in `secrets.toml` beside it (mode 600), or in the "
        "environment, which wins. Written from `trail/settings.py`.",
        "",
        "| setting | variable | default | what it is |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        section = field.default
        if isinstance(section, BaseModel):
            for key, inner in type(section).model_fields.items():
                lines.append(_row(f"{name}.{key}", inner.default, inner.description))
        else:
            lines.append(_row(name, field.default, field.description))
    return "\n".join(lines) + "\n"


def _row(name: str, default: object, description: str | None) -> str:
    variable = "TRAIL_" + name.upper().replace(".", "__")
    shown = default.get_secret_value() if isinstance(default, SecretStr) else default
    cell = f"`{shown}`" if shown not in ("", None, (), {}) else ""
    return f"| `{name}` | `{variable}` | {cell} | {description} |"


if __name__ == "__main__":
    PAGE.write_text(text())
