"""Write docs/routes.md from the routes of the server; a test compares the two."""

from pathlib import Path

from trail.storage import search_help, time_expressions
from trail.storage.filters import FACETS, FLAGS, SORT_COLUMNS
from trail.web import routes

PAGE = Path(__file__).parent / "routes.md"


def text() -> str:
    """Return the page: every route with its methods and purpose."""
    names = ", ".join(f"`{name}`" for name in FACETS)
    flags = ", ".join(f"`{name}`" for name in FLAGS)
    lines = [
        "# HTTP routes",
        "",
        f"Filters are the query string of the pages: `from`, `to`, {names}, `q`, `tz` and `sort`; "
        "repeat a name to include more values, start a value with `-` to exclude it. "
        f"{flags} are `yes` or `no`; `risk` is `high`, `medium`, `low`, or `0` to `10`. "
        "`findings` is `to_review` or `decided`, for roles that see unusual changes. "
        "A range such as `from=7d` ends now and leaves out events that "
        "are dated in the future, unless `future_dated` is given. `/api` and `/export` accept a "
        "session or `Authorization: Bearer TOKEN`.",
        "",
        "A value that names an actor, a target, a category and the like may be its display name, "
        "an e-mail, or written in another case: it is read as the ID that it can only mean. What "
        "names nothing, or several things, matches nothing and is explained in `notices`.",
        "",
        "The exports take `columns`, names in order separated by commas, and `/export.csv` takes "
        "`headers=titles` for the titles on screen in place of names. The column `target` is what "
        "a table shows: the name, else the ID.",
        "",
        "An actor has one display name everywhere, in facets, tables, messages and the column "
        "`actor`: its name in the directory, else its latest proven e-mail, else its ID (of a "
        "token without `tokens/`), as known when it is read. `actor_name` and `actor_email` are "
        "what the event recorded and never change; `recorded_actor` is the name, e-mail or ID "
        "among them, and `recorded_as` the name or e-mail that the actor does not have any more.",
        "",
        f"`from` and `to` are times. {time_expressions.HELP}",
        "",
        "`sort` is `newest` (the default), `oldest`, or a column: "
        f"{', '.join(f'`{name}`' for name in SORT_COLUMNS)}. Start it with `-` for the highest, or "
        "the end of the alphabet, first. Names are sorted without regard to case, empty values "
        "last, and events of the same value newest first. Pages, exports and commands follow it.",
        "",
        "`q` is the text of the search box, in the [search language](search.md). "
        f"{search_help.HELP} With `syntax=1`, `q` is read as in versions before that language.",
        "",
        "Parameters, responses and errors of each route are described in [HTTP API](api.md) and "
        "`/api/openapi.json`. Generated from the server's routes by `make docs`.",
        "",
        "| route | methods | purpose |",
        "|---|---|---|",
    ]
    for route in routes.documented():
        methods = ", ".join(sorted((route.methods or set()) - {"HEAD"}))
        lines.append(f"| `{route.path}` | {methods} | {route.purpose} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
