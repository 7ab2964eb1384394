"""The units, images and Compose files start what exists, as closed as their comments say."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.spark import local_cluster
from trail.core.settings import Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SPARK = {path.stem.rpartition("-")[2]: path for path in UNITS if "spark" in path.stem}
COMPOSE = [DEPLOY / "docker" / name for name in ("compose.yaml", "compose.spark.yaml")]
DEFAULTS = DEPLOY / "spark" / "spark-defaults.conf"
# What `local_cluster` starts, by the process; the second worker is as the first.
STARTED = local_cluster.commands(Path("folder"), 2, 15002)
STARTED["worker"] = STARTED["worker-0"]
# Differ by machine, and are given to Spark Connect as arguments.
ADDRESSES = {"spark.driver.host", "spark.driver.bindAddress"}
# Of the tested cluster alone: its executors take a part of a machine, its files are temporary.
LOCAL = {"spark.executor.cores", "spark.sql.warehouse.dir"}

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd is not installed"
)


def options(unit: Path) -> dict[str, list[str]]:
    """Return the values of the options of a unit, in order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def defaults() -> dict[str, str]:
    """Return Spark's settings by name."""
    lines = (line.split(None, 1) for line in DEFAULTS.read_text().splitlines())
    return {line[0]: line[1].strip() for line in lines if line and not line[0].startswith("#")}


def composed() -> dict[str, Any]:
    """Return both Compose files together, as Compose merges them."""
    base, more = (yaml.safe_load(path.read_text()) for path in COMPOSE)
    for name, service in more["services"].items():
        known = base["services"].setdefault(name, {})
        for key, value in service.items():
            if isinstance(value, dict):
                known[key] = {**known.get(key, {}), **value}
            elif key == "volumes":
                known[key] = [*known.get(key, []), *value]
            else:
                known[key] = value
    for key in ("volumes", "networks", "secrets"):
        base[key] = {**base.get(key, {}), **more.get(key, {})}
    merged: dict[str, Any] = base
    return merged


def arguments(command: list[str]) -> set[str]:
    """Return the main class and the options of a command of Spark."""
    return {word for word in command if word.startswith(("--", "org.apache."))}


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_has_the_exposure_that_it_states(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    rated = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (exposure,) = re.findall(r"Overall exposure level.*: ([\d.]+)", rated)
    (stated,) = re.findall(r"rates the exposure ([\d.]+)", unit.read_text())
    assert float(exposure) <= float(stated)


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_understands_a_unit(unit: Path) -> None:
    """Its programs are not installed here, and that is all that is wrong."""
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    about = [line for line in said.splitlines() if unit.name in line]
    assert [line for line in about if "is not executable" not in line] == []


@pytest.mark.parametrize("process", ["master", "worker", "connect"])
def test_spark_is_started_as_the_tested_cluster_is(process: str) -> None:
    """`tests/cluster` runs what `local_cluster` starts; units and containers run the same."""
    unit = options(SPARK[process])
    (started,) = unit["ExecStart"]
    program, *rest = started.split()
    tested = arguments(STARTED[process])
    main = {word for word in tested if word.startswith("org.")}
    assert Path(program).name == STARTED[process][0]
    assert main <= arguments(rest) <= {*tested, "--port"}
    service = composed()["services"][f"spark-{process}"]["command"]
    assert service[0] == STARTED[process][0]
    assert main <= arguments(service) <= tested
    assert unit["DynamicUser"] == ["yes"]
    given = set(re.findall(r"\$\{(\w+)\}", started))
    assert given <= {value.partition("=")[0] for value in unit["Environment"]}


def test_spark_has_the_settings_of_the_tested_cluster() -> None:
    tested = dict(
        word.split("=", 1) for word in STARTED["connect"] if re.match(r"spark\.\S+=", word)
    )
    assert tested.keys() - ADDRESSES - LOCAL <= defaults().keys()
    for name in ("spark.scheduler.mode", "spark.sql.session.timeZone", "spark.ui.enabled"):
        assert defaults()[name] == tested[name]
    (connect,) = options(SPARK["connect"])["ExecStart"]
    assert set(re.findall(r"--conf (spark\.[\w.]+)=", connect)) == ADDRESSES


def test_nobody_but_the_server_reaches_spark() -> None:
    """Processes find each other, on loopback until an address is given."""
    given = defaults()
    assert given["spark.authenticate"] == given["spark.network.crypto.enabled"] == "true"
    assert "spark.authenticate.secret" not in given  # without one that is theirs, nothing works
    assert given["spark.master.rest.enabled"] == "false"
    assert given["spark.connect.grpc.binding.address"] == "127.0.0.1"
    for process, path in SPARK.items():
        unit = options(path)
        assert "SPARK_LOCAL_IP=127.0.0.1" in unit["Environment"], process
        (master,) = (v for v in unit["Environment"] if v.startswith("SPARK_MASTER="))
        assert master == "SPARK_MASTER=spark://127.0.0.1:7077"
        assert unit["LoadCredential"] == [
            "spark-defaults.conf:/etc/audit-trail-spark/spark-defaults.conf"
        ]
        assert unit["IPAddressDeny"] == ["any"]
    assert "--port 7077" in options(SPARK["master"])["ExecStart"][0]
    services = composed()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert composed()["networks"]["spark"] == {"internal": True}
    for name in ("spark-master", "spark-worker", "spark-connect"):
        assert services[name]["networks"] == ["spark"]
        assert services[name]["volumes"] == ["archive:/srv/archive:ro"]


def test_containers_are_closed() -> None:
    services = composed()["services"]
    for name, service in services.items():
        if name == "proxy":
            continue
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        image = (COMPOSE[0].parent / service["build"]["context"]).resolve()
        text = (image / service["build"]["dockerfile"]).read_text()
        assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["10001:10001"], name


def test_what_compose_files_name_is_declared() -> None:
    merged = composed()
    for name, service in merged["services"].items():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in merged["volumes"], name
        for network in service.get("networks", []):
            assert network in {"default", *merged["networks"]}, name
        for secret in service.get("secrets", []):
            assert secret["source"] in merged["secrets"], name
        assert {*service.get("depends_on", [])} <= merged["services"].keys(), name
    server = merged["services"]["audit-trail"]["environment"]
    for variable in server:
        section, _, field = variable.removeprefix("TRAIL_").lower().partition("__")
        kind = Settings.model_fields[section].annotation
        assert field in kind.model_fields, variable  # type: ignore[union-attr]
    port = defaults()["spark.connect.grpc.binding.port"]
    assert server["TRAIL_CLUSTER__URL"] == f"sc://spark-connect:{port}"
    assert (
        f"archive:{server['TRAIL_STORE__ARCHIVE_PATH']}"
        in (merged["services"]["audit-trail"]["volumes"])
    )


def test_images_are_made_of_what_is_there() -> None:
    for path in (DEPLOY / "docker").glob("Dockerfile*"):
        for source in re.findall(r"^COPY (?!--from)(\S+) ", path.read_text(), re.MULTILINE):
            assert (ROOT / source).exists(), source
    (version,) = re.findall(r"^SPARK := pyspark==(\S+)$", (ROOT / "Makefile").read_text(), re.M)
    image = (DEPLOY / "docker" / "Dockerfile.spark").read_text()
    assert f"ARG PYSPARK={version}\n" in image
    assert f"pyspark-client=={version}\n" in (ROOT / "requirements-spark.txt").read_text()
    assert f"pyspark=={version}" in (ROOT / "docs/how-to/cluster.md").read_text()


def test_the_files_that_the_documentation_names_exist() -> None:
    named = [
        (page.name, name)
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for name in re.findall(r"\bdeploy/[\w./@-]*\w", page.read_text())
    ]
    assert len(named) > 10
    assert [(page, name) for page, name in named if not (ROOT / name).exists()] == []
