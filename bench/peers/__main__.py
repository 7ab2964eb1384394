"""`python -m bench.peers`: one view of the events, here and by Datasette and pandas.

A view is the count, seven facets and the newest 200 rows. Datasette and ours answer over HTTP, one
after the other on the same machine; pandas has the events in memory and no server.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import httpx2

from bench import data
from bench.browser import serving
from tests.started_server import free_port
from trail.core.settings import load as load_settings
from trail.events import counts
from trail.events import export as exports
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

_HERE = Path(__file__).parent
_ENVIRONMENT = data.FOLDER / "peers"
_PYTHON = _ENVIRONMENT / "bin" / "python"
# Our filter names for the columns that the peers filter by.
_OURS = {"category": "category", "actor_id": "actor", "target_name": "q"}
_FACETS = ("category", "action", "actor_id", "actor_type", "target_type", "outcome", "kind")
Views = dict[str, dict[str, str]]
Timings = dict[str, list[float]]


def installed() -> str:
    """Make the environment of the peers; return why that failed, or an empty string."""
    if not (_ENVIRONMENT / "bin" / "datasette").exists():
        for command in (
            [sys.executable, "-m", "venv", str(_ENVIRONMENT)],
            [str(_PYTHON), "-m", "pip", "install", "-q", "-r", str(_HERE / "requirements.txt")],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                return done.stderr.strip().splitlines()[-1]
    return ""


def report(events: int, repeats: int) -> list[str]:
    """Return lines of the report: how many times our time the peers take."""
    lines = ["", "## One view over HTTP, against Datasette and pandas", ""]
    if problem := installed():
        return [*lines, f"Skipped: the peers cannot be installed ({problem})."]
    database = data.loaded(events)
    source = _exported(database, events)
    views = _views(database)
    own = _ours(database, views, repeats)
    datasette = _datasette(_sqlite(source, events), views, min(repeats, 5))
    pandas = json.loads(_job("pandas", str(source), str(repeats), text=json.dumps(views)))
    lines += [
        f"{events:,} events; count, seven facets and the newest 200 rows. Medians; Datasette's "
        "table has an index for each facet, pandas holds the events in memory without a server.",
        "",
        "| view | Datasette takes | pandas takes | ours ms | Datasette ms | pandas ms |",
        "|---|---|---|---|---|---|",
    ]
    for name in views:
        ms, theirs, memory = (median(times[name]) for times in (own, datasette, pandas))
        lines.append(
            f"| {name} | **{theirs / ms:.1f} x** | **{memory / ms:.1f} x** "
            f"| {ms:.0f} | {theirs:,.0f} | {memory:,.0f} |"
        )
    return lines


def _views(database: Path) -> Views:
    store = Store.open(database, load_settings())
    actor = counts.actors(store, Filter.parse("actor_type=user"), data.NOW, 1)[0].value
    store.close()
    return {
        "all events": {},
        "one category": {"category": "Engage"},
        "one actor": {"actor_id": actor},
        "text in targets": {"target_name": "snowflake"},
    }


def _exported(database: Path, events: int) -> Path:
    path = data.FOLDER / f"demo-{events}.parquet"
    if not path.exists():
        store = Store.open(database, load_settings())
        chosen = exports.Export(Filter(), "parquet")
        path.write_bytes(b"".join(exports.stream(store, chosen, data.NOW)))
        store.close()
    return path


def _sqlite(source: Path, events: int) -> Path:
    path = data.FOLDER / f"demo-{events}.sqlite"
    if not path.exists():
        fresh = path.with_suffix(".part")
        fresh.unlink(missing_ok=True)
        _job("sqlite", str(source), str(fresh))
        fresh.replace(path)
    return path


def _job(*arguments: str, text: str = "") -> str:
    command = [str(_PYTHON), str(_HERE / "jobs.py"), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _timed(views: Views, repeats: int, ask: Callable[[dict[str, str], int], int]) -> Timings:
    """Return the ms of *ask* for each view, after one that is not counted."""
    result: Timings = {}
    for name, choice in views.items():
        times = []
        for number in range(repeats + 1):
            began = time.perf_counter()
            assert ask(choice, number) == 200
            times.append((time.perf_counter() - began) * 1000)
        result[name] = times[1:]
    return result


def _ours(database: Path, views: Views, repeats: int) -> Timings:
    with serving(database) as site, httpx2.Client(base_url=site.url, timeout=60) as client:
        made = json.loads(site.command("tokens", "add", "bench", "--role", "owner", "--json"))
        client.headers["Authorization"] = f"Bearer {made['token']}"

        def ask(choice: dict[str, str], number: int) -> int:
            # Another start before the first event and end after the last for each view and time,
            # so that no answer is taken from a cache.
            start = f"2026-01-{list(views.values()).index(choice) + 1:02}"
            pairs = [("from", start), ("to", f"2026-11-02T{number % 24:02}:00Z")]
            for column, value in choice.items():
                pairs.append(
                    (_OURS[column], f"target:{value}" if column == "target_name" else value)
                )
            query = urlencode(pairs)
            assert client.get(f"/api/facets?{query}").status_code == 200
            page = client.get(f"/api/events?{query}&limit=200")
            assert page.json()["count"]
            return page.status_code

        return _timed(views, repeats, ask)


@contextlib.contextmanager
def _serving_datasette(database: Path) -> Iterator[str]:
    port = free_port()
    settings = {
        "sql_time_limit_ms": "600000",
        "facet_time_limit_ms": "600000",
        "max_returned_rows": "1000",
        "default_facet_size": "1000",
    }
    command = [str(_PYTHON), "-m", "datasette", "serve", str(database), "-p", str(port)]
    for name, value in settings.items():
        command += ["--setting", name, value]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(httpx2.HTTPError):
                httpx2.get(f"{url}/-/versions.json")
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _datasette(database: Path, views: Views, repeats: int) -> Timings:
    with (
        _serving_datasette(database) as url,
        httpx2.Client(base_url=url, timeout=600) as client,
    ):

        def ask(choice: dict[str, str], _: int) -> int:
            pairs = [("_facet", name) for name in _FACETS]
            pairs += [("_size", "200"), ("_sort_desc", "occurred_at")]
            for column, value in choice.items():
                pairs.append((f"{column}__contains" if column == "target_name" else column, value))
            answer = client.get(f"/{database.stem}/events.json?{urlencode(pairs)}")
            assert answer.json()["filtered_table_rows_count"]
            return answer.status_code

        return _timed(views, repeats, ask)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    print("\n".join(report(args.events, args.repeats)))


if __name__ == "__main__":
    main()
