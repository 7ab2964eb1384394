"""Start a Spark cluster on this machine: a master, workers, and Spark Connect, all on loopback.

    python deploy/spark/local_cluster.py FOLDER [--workers 2] [--port 0]

Needs Java 17 or later and the package `pyspark`, which has Spark itself. Logs and working files are
in FOLDER. Prints the address of Spark Connect once it answers, and stops everything when it is
stopped itself (Ctrl+C or SIGTERM).
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
_START_S = 180
# For small machines. The driver plans queries, the executors run them.
_DAEMON_MEMORY, _DRIVER_MEMORY, _EXECUTOR_MEMORY = "256m", "1g", "1g"


def main() -> int:
    """Run the cluster until it is stopped; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of logs and working files")
    parser.add_argument("--workers", type=int, default=2, help="workers of one core each")
    parser.add_argument("--port", type=int, default=0, help="port of Spark Connect; 0 takes any")
    given = parser.parse_args()
    package = find_spec("pyspark")
    if package is None or not package.submodule_search_locations:
        print("pyspark is not installed: pip install pyspark", file=sys.stderr)
        return 1
    home = Path(package.submodule_search_locations[0])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    port = given.port or free_port()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes += started(home, folder, given.workers, port)
        if not wait(port, processes):
            print(f"The cluster did not start; see {folder}.", file=sys.stderr)
            return 1
        print(f"sc://{HOST}:{port}", flush=True)
        processes[-1].wait()  # a worker may fail, Spark Connect may not
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def commands(folder: Path, workers: int, port: int) -> dict[str, list[str]]:
    """Return what is started, by name: the master, the workers, and Spark Connect on *port*."""
    master = f"spark://{HOST}:{free_port()}"
    options = {
        "spark.connect.grpc.binding.address": HOST,
        "spark.connect.grpc.binding.port": port,
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.executor.cores": 1,
        "spark.executor.memory": _EXECUTOR_MEMORY,
        "spark.scheduler.mode": "FAIR",
        "spark.sql.session.timeZone": "UTC",
        # As many partitions as cores: more cost more than they spread.
        "spark.sql.shuffle.partitions": workers,
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
    }
    result = {"master": ["spark-class", "org.apache.spark.deploy.master.Master"]}
    result["master"] += ["--host", HOST, "--port", master.rpartition(":")[2], "--webui-port", "0"]
    for number in range(workers):
        result[f"worker-{number}"] = [
            *("spark-class", "org.apache.spark.deploy.worker.Worker", "--host", HOST),
            *("--cores", "1", "--memory", _EXECUTOR_MEMORY, "--webui-port", "0"),
            *("--work-dir", str(folder / f"work-{number}"), master),
        ]
    result["connect"] = [
        *("spark-submit", "--master", master),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *(part for name, value in options.items() for part in ("--conf", f"{name}={value}")),
        "spark-internal",
    ]
    return result


def started(home: Path, folder: Path, workers: int, port: int) -> list[subprocess.Popen[bytes]]:
    """Start the `commands`; return their processes."""
    processes = []
    for name, (program, *arguments) in commands(folder, workers, port).items():
        environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_DAEMON_MEMORY": _DRIVER_MEMORY if name == "connect" else _DAEMON_MEMORY,
        }
        with (folder / f"{name}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(  # noqa: S603 - fixed commands
                    [str(home / "bin" / program), *arguments],
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )
        (folder / f"{name}.pid").write_text(f"{processes[-1].pid}\n")
    return processes


def wait(port: int, processes: list[subprocess.Popen[bytes]]) -> bool:
    """Wait until something listens on *port*; return whether it does."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until and all(process.poll() is None for process in processes):
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return True
    return False


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as chosen:
        chosen.bind((HOST, 0))
        port: int = chosen.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
