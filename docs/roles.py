"""Write docs/roles.md from the permissions of each role and the pages; a test compares the two."""

from pathlib import Path

from trail.accounts.roles import CAPABILITIES, ROLES
from ui.page import discover_pages

PAGE = Path(__file__).parent / "roles.md"

_ATTENTION = (
    ("Assign, mute until a time, comment", "triage"),
    ("Decide on a finding", "decide"),
    ("Place a legal hold", "configure"),
    ("Open the page of a source, gap, delivery, quarantine or seal", "configure"),
)


def text() -> str:
    """Return the page: what each role may do, which pages it sees, and what the lists offer it."""
    lines = [
        "# Roles",
        "",
        "Each user and each API token has one role. It is set under **Admin**, **Users**, on the "
        "server (`python -m trail users role ana --role reviewer`) or by a claim of the identity "
        "provider.",
        "",
        "Generated from `trail/accounts/roles.py` and `pages/` by `make docs`.",
        "",
        *_table("may", [(label, roles) for label, roles in CAPABILITIES.values()]),
        "",
        "## Pages",
        "",
        *_table("page", [(page.title, page.roles) for page in discover_pages().values()]),
        "",
        "## Needs attention and incidents",
        "",
        "The list **Needs attention** has no findings, failed deliveries and refused records for "
        "managers. Each row offers only what the role may do:",
        "",
        *_table("action", [(label, CAPABILITIES[name][1]) for label, name in _ATTENTION]),
    ]
    return "\n".join(lines) + "\n"


def _table(title: str, rows: list[tuple[str, frozenset[str]]]) -> list[str]:
    return [
        f"| {title} | {' | '.join(ROLES)} |",
        f"|---|{'---|' * len(ROLES)}",
        *(
            f"| {label} | {' | '.join('yes' if role in roles else 'no' for role in ROLES)} |"
            for label, roles in rows
        ),
    ]


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
