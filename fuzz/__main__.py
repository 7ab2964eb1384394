"""`python -m fuzz [TARGET...] --seconds N`: fuzz each target in a process of its own.

libFuzzer never returns from its loop, and code must be instrumented on import. The exit code is 1
if a target crashed or took longer than two seconds; the input is then in fuzz/found.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz import FOLDER, crashes, targets

FOUND = FOLDER / "found"
_OURS = ["trail", "loaders", "forwarders"]


def main() -> int:
    """Run the given targets, or all; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        return _feed(args.targets[0], args.seconds)
    ok = True
    for name in args.targets or sorted(targets()):
        command = [sys.executable, "-m", "fuzz", name, "--here", "--seconds", str(args.seconds)]
        # libFuzzer exits without Python's cleanup of temporary files.
        with tempfile.TemporaryDirectory() as folder:
            ended = subprocess.run(
                command,
                env={**os.environ, "TMPDIR": folder},
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
            )
        runs = re.findall(r"stat::number_of_executed_units: (\d+)", ended.stderr)
        message = "nothing found" if ended.returncode == 0 else f"FOUND\n{ended.stdout[-4000:]}"
        print(f"{name:>16}  {int(runs[-1]) if runs else 0:>10,} executions  {message}", flush=True)
        ok = ok and ended.returncode == 0
    return 0 if ok else 1


def _feed(name: str, seconds: int) -> int:
    import atheris  # only here: the tests use the targets without it

    with atheris.instrument_imports(include=_OURS):
        target = targets()[name]
    FOUND.mkdir(exist_ok=True)
    corpus = Path(tempfile.mkdtemp())
    for number, seed in enumerate([*target.seeds, *crashes(name)]):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", "-timeout=2", "-max_len=4096", "-rss_limit_mb=4096"]
    options = [*limits, f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1", str(corpus)]

    def feed(data: bytes) -> None:
        try:
            target.feed(data)
        except BaseException:  # also written here: a native thread can end the process first
            (FOUND / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *options], feed)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
