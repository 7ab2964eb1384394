"""The systemd unit is as closed as its comment says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "deploy/systemd/segment-audit-trail.service"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_has_the_exposure_that_it_states() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
    rated = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (exposure,) = re.findall(r"Overall exposure level.*: ([\d.]+)", rated)
    (stated,) = re.findall(r"rates the exposure ([\d.]+)", UNIT.read_text())
    assert float(exposure) <= float(stated)
