"""What Datasette and pandas do. Runs in their environment, so it imports nothing of the project.

`jobs.py sqlite EVENTS.parquet TARGET.db` writes the database that Datasette serves.
`jobs.py pandas EVENTS.parquet REPEATS` reads views as JSON on standard input and prints timings.
"""

import json
import sqlite3
import sys
import time

import pandas as pd

FACETS = ("category", "action", "actor_id", "actor_type", "target_type", "outcome", "kind")
PAGE_ROWS = 200


def sqlite(source: str, target: str) -> None:
    """Write the events as one table with an index on time and on each facet."""
    frame = pd.read_parquet(source)
    frame["occurred_at"] = frame["occurred_at"].astype(str)
    with sqlite3.connect(target) as database:
        frame.to_sql("events", database, index=False, chunksize=100_000)
        for column in ("occurred_at", *FACETS):
            database.execute(f"create index by_{column} on events ({column})")
        database.execute("analyze")


def pandas(source: str, repeats: str) -> None:
    """Time facets (each ignoring its own choice), count and the newest 200 rows, in memory."""
    frame = pd.read_parquet(source).sort_values("occurred_at", ascending=False)
    timings = {}
    for name, choice in json.load(sys.stdin).items():
        times = []
        for _ in range(int(repeats)):
            began = time.perf_counter()
            rows, facets, page = view(frame, choice)
            times.append((time.perf_counter() - began) * 1000)
            assert rows and facets and page
        timings[name] = times
    print(json.dumps(timings))


def view(frame: pd.DataFrame, choice: dict[str, str]) -> tuple[int, object, object]:
    """Return count, facets and newest rows of the events that have all of *choice*."""
    masks = {
        column: frame["target_name"].str.contains(value, case=False, regex=False, na=False)
        if column == "target_name"
        else frame[column] == value
        for column, value in choice.items()
    }

    def chosen(own: str = "") -> pd.DataFrame:
        result = frame
        for column, mask in masks.items():
            if column != own:
                result = result[mask]
        return result

    everything = chosen()
    facets = {
        column: (chosen(column) if column in masks else everything)[column].value_counts().to_dict()
        for column in FACETS
    }
    return len(everything), facets, everything.head(PAGE_ROWS).to_dict("records")


if __name__ == "__main__":
    {"sqlite": sqlite, "pandas": pandas}[sys.argv[1]](*sys.argv[2:])
