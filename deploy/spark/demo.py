"""Start a Spark cluster on this machine, and a demo workspace whose archive it reads.

    python deploy/spark/demo.py [FOLDER]

The database and the archive are in FOLDER (`data/cluster`), and stay there for the next time. Needs
`TRAIL_SPARK_PYTHON`, a Python with the package `pyspark`; `make cluster` installs it.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

_EVENTS = "200000"
# Of 90 days; the others are archived.
_RECENT_DAYS = "14"
_CLUSTER = Path(__file__).parent / "local_cluster.py"


def main() -> int:
    """Serve until the dashboard is stopped; return its exit code."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data/cluster").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    # As Ctrl+C does: so that the processes end, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    spark = os.environ.get("TRAIL_SPARK_PYTHON", sys.executable)
    command = [spark, str(_CLUSTER), str(folder / "spark")]
    cluster = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - fixed command
    try:
        url = cluster.stdout.readline().strip() if cluster.stdout else ""
        if not url:
            return 1
        environment = {
            **os.environ,
            "TRAIL_CLUSTER__URL": url,
            # So that it is seen at work: for so few events it takes longer than the server.
            "TRAIL_CLUSTER__LEAST_EVENTS": "0",
            "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
            "TRAIL_STORE__ARCHIVE": "true",
            "TRAIL_STORE__ARCHIVE_PATH": str(folder / "archive"),
            "TRAIL_STORE__RETENTION_DAYS": _RECENT_DAYS,
            "TRAIL_AUTH__USERS_PATH": str(folder / "users.yaml"),
        }

        def trail(*arguments: str) -> int:
            return subprocess.run(  # noqa: S603
                [sys.executable, "-m", "trail", *arguments], env=environment, check=False
            ).returncode

        if not (folder / "trail.duckdb").exists():
            events = str(folder / "demo.ndjson")
            made = trail("demo", "--out", events, "--events", _EVENTS)
            if made or trail("load", events) or trail("retain"):
                return 1
        return trail("serve")
    except KeyboardInterrupt:
        return 0
    finally:
        cluster.terminate()
        cluster.wait()


if __name__ == "__main__":
    sys.exit(main())
