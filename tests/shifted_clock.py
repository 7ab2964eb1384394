"""Run a process and its children at another date; the product itself has no such setting."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")
_NO_COMPILER = "Tests at other dates need a C compiler: install gcc and libc6-dev, or set CC."


def compiler() -> str | None:
    """Return the C compiler of this machine, or None."""
    return os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")


def build(folder: Path) -> Path:
    """Compile the library that is preloaded into *folder*; return its path. Linux only."""
    command = compiler()
    if command is None:
        raise RuntimeError(_NO_COMPILER)
    library = folder / "shifted_clock.so"
    arguments = [command, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(arguments, check=True)
    return library


def environment(library: Path, moment: dt.datetime) -> dict[str, str]:
    """Return the variables under which a process started now takes *moment* (aware) as its time.

    All processes of the environment share one clock, which continues from there. Monotonic clocks
    and the times of files stay real.
    """
    shift = moment - dt.datetime.now(dt.UTC)
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT": f"{shift.total_seconds():.0f}"}


def main() -> int:
    """Install Debian's compiler when none is there and that is possible; return 0 with one."""
    if compiler() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing a C compiler for the tests at other dates.")
        packages = ["gcc", "libc6-dev"]
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-qq", *command], check=False)
    if compiler() is None:
        print(_NO_COMPILER, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
