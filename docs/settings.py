"""Write docs/settings.md from the settings and the sections that loaders declare."""

from pathlib import Path

from pydantic import SecretStr

from trail.core.settings import every_setting, variable

PAGE = Path(__file__).parent / "settings.md"


def text() -> str:
    """Return the page: each setting with its variable, default and meaning."""
    lines = [
        "# Settings",
        "",
        "In `trail.toml`, tokens and keys in `secrets.toml` beside it (mode 600), or in the "
        "environment, which takes precedence. Generated from `trail/core/settings.py` and the "
        "loaders.",
        "",
        "| setting | variable | default | description |",
        "|---|---|---|---|",
    ]
    lines += [_row(name, field.default, field.description) for name, field in every_setting()]
    return "\n".join(lines) + "\n"


def _row(name: str, default: object, description: str | None) -> str:
    shown = default.get_secret_value() if isinstance(default, SecretStr) else default
    cell = f"`{shown}`" if shown not in ("", None, (), {}) else ""
    return f"| `{name}` | `{variable(name)}` | {cell} | {description} |"


if __name__ == "__main__":
    PAGE.write_text(text())
