"""The wheel: one package folder with everything that runs, started from any folder."""

import os
import re
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from pathlib import Path

import httpx2
import pytest

import trail

ROOT = Path(__file__).parents[1]
FOLDERS = ("trail", "ui", "pages", "loaders", "detectors", "forwarders")
PACKAGE = "segment_audit_trail"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return path


def test_only_one_package_folder_is_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
    assert top == {PACKAGE, f"{PACKAGE}-{trail.VERSION}.dist-info"}


def test_every_file_that_runs_is_in_the_wheel(wheel: Path) -> None:
    """Python, SQL, CSV, TOML, JavaScript and CSS, and the configuration of Streamlit."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    expected = {path for path in tracked if (ROOT / path).exists()}
    expected |= {"dashboard.py", ".streamlit/config.toml", "__main__.py", "__init__.py", "py.typed"}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith(f"{PACKAGE}/")}
    assert names == {f"{PACKAGE}/{path}" for path in expected}


def test_dependencies_equal_the_pins_in_requirements_txt(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{PACKAGE}-{trail.VERSION}.dist-info/METADATA").decode()
    required = {name.lower() for name in re.findall(r"^Requires-Dist: (\S+)$", metadata, re.M)}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = {line.strip().lower() for line in lines if "==" in line}
    assert required == {pin for pin in pins if not pin.startswith("pytest==")}


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that borrows the dependencies of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "install", *options, str(wheel)], check=True)
    [site_packages] = folder.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "segment-audit-trail"


@pytest.mark.server
def test_console_script_serves_from_an_empty_folder(program: Path, tmp_path: Path) -> None:
    """The demo opens, with the product's Streamlit configuration, and data goes to ./data."""
    environment = {name: value for name, value in os.environ.items() if name[:6] != "TRAIL_"}
    port = 8590 + os.getpid() % 1000
    with (tmp_path / "log.txt").open("w+") as log:
        process = subprocess.Popen(
            [program, "serve", "--port", str(port)],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            health = _healthz(url, process)
            sources = [(source["name"], source["state"]) for source in health.pop("sources")]
            assert health == {"ok": True, "problems": []}, log.name
            assert sources == [("demo", "ok")]
            page = httpx2.get(url, headers={"accept": "text/html"})
            assert page.status_code == 200
            assert "<title>" in page.text
        finally:
            process.terminate()
            process.wait(timeout=30)
        log.seek(0)
        assert "demo workspace" in log.read()
    assert (tmp_path / "data" / "demo.duckdb").exists()
    assert not (tmp_path / ".streamlit").exists()


def _healthz(url: str, process: subprocess.Popen[bytes]) -> object:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            return httpx2.get(f"{url}/healthz").json()
        except httpx2.TransportError:
            time.sleep(0.2)
    return f"exit code {process.poll()}"
