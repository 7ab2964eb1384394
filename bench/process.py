"""The memory and the processor time of a server that is measured."""

import os
import re
import time
from pathlib import Path

# A process that uses less of a core than this is idle.
_IDLE_SHARE = 0.1


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_idle(pid: int, seconds: int = 4, most: int = 300) -> None:
    """Wait until a server has been idle for *seconds*: the jobs of its start count otherwise.

    Gives up after *most* seconds.
    """
    quiet = 0
    for _ in range(most):
        before = cpu_s(pid)
        time.sleep(1)
        quiet = quiet + 1 if cpu_s(pid) - before < _IDLE_SHARE else 0
        if quiet == seconds:
            return
