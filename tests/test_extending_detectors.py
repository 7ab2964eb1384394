"""A new detector is one new file: nothing else in the repository names it."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "tests/fixtures/extensions/detectors/label_deleted.py"
PRODUCT = ("detectors", "forwarders", "loaders", "trail")
TESTS = (
    "__init__.py", "conftest.py", "detection.py", "segment_records.py",
    "test_contract_detectors.py",
)  # fmt: skip

LIST_RULES = """
from trail.findings import rules
rule = rules.rule("label-deleted")
print(rule.title, rule.query, rule.enabled)
"""


def test_a_single_file_adds_a_detector_with_tested_examples(tmp_path: Path) -> None:
    for name in PRODUCT:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    for name in TESTS:
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(EXAMPLE, tmp_path / "detectors")

    listed = subprocess.run(
        [sys.executable, "-c", LIST_RULES], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert listed.stdout == "Label deleted action=Label+Deleted False\n"

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "label"]
    tested = subprocess.run(
        [*command, "tests/test_contract_detectors.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "5 passed" in tested.stdout


def test_example_fits_on_one_screen() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 20
