"""The keyboard shortcuts of the pages, in words."""

from ui.components.shortcuts import Group, shortcuts

_EVERYWHERE: Group = {
    "title": "Every page",
    "shortcuts": [
        {"keys": ["?"], "does": "Show or hide this list"},
        {"keys": ["/"], "does": "Search (Explore and Timeline)"},
        {"keys": ["Tab"], "does": "Move to the next control"},
        {"keys": ["Esc"], "does": "Close what is open"},
    ],
}
_GROUPS: list[Group] = [
    _EVERYWHERE,
    {
        "title": "Tables",
        "shortcuts": [
            {"keys": ["j", "k"], "does": "Next and previous row, also while one is open"},
            {"keys": ["↓", "↑"], "does": "The same, once a row has the focus"},
            {"keys": ["Home", "End"], "does": "First and last row"},
            {"keys": ["←", "→"], "does": "Cells of the row"},
            {"keys": ["Enter"], "does": "Open the row"},
            {"keys": ["f"], "does": "Filter by the cell, leave its value out, or copy it"},
        ],
    },
    {
        "title": "Facets",
        "shortcuts": [
            {"keys": ["↓", "↑"], "does": "Values of the facet"},
            {"keys": ["Space"], "does": "Choose the value, or no longer"},
            {"keys": ["o"], "does": "Only this value"},
            {"keys": ["-"], "does": "Exclude the value"},
        ],
    },
    {
        "title": "Charts",
        "shortcuts": [
            {"keys": ["←", "→"], "does": "Bars, once the chart has the focus"},
            {"keys": ["Shift", "→"], "does": "Extend a range from the bar"},
            {"keys": ["Enter"], "does": "Show the bar or the range"},
            {"keys": ["Esc"], "does": "Deselect"},
        ],
    },
    {
        "title": "Search",
        "shortcuts": [
            {"keys": ["↓", "↑"], "does": "Suggestions"},
            {"keys": ["Tab"], "does": "Complete"},
            {"keys": ["Enter"], "does": "Search"},
        ],
    },
]


def draw() -> None:
    """Draw the button of the list at the end of the page."""
    shortcuts(_GROUPS, "shortcuts")
