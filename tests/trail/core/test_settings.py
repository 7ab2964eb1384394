"""Settings: where they come from, which goes first, and what a wrong one is answered with."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from trail.core import settings as source
from trail.core.errors import SettingError
from trail.core.settings import CONFIG_VARIABLE, Settings, config_path


@pytest.fixture
def config(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a settings file that does not exist yet, in a clean environment."""
    path = tmp_path / "mine.toml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def test_defaults_are_as_documented(config: Path) -> None:
    result = source.load()
    assert result.store.path == Path("data/trail.duckdb")
    assert result.store.retention_days == 90
    assert result.server.host == "127.0.0.1"
    assert result.limits.line_bytes == 1_048_576
    assert result.limits.depth == 64


def test_arguments_override_the_environment_and_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('workspace = "From the file"\n[store]\nthreads = 3\nmemory = "2GB"\n')
    assert source.load().workspace == "From the file"
    monkeypatch.setenv("TRAIL_STORE__THREADS", "4")
    result = source.load()
    assert (result.store.threads, result.store.memory) == (4, "2GB")
    monkeypatch.setenv("TRAIL_WORKSPACE", "From the environment")
    assert source.load().workspace == "From the environment"
    assert source.load(workspace="Given").workspace == "Given"


def test_the_documented_variable_sets_the_database_path(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAIL_STORE__PATH", "/somewhere/else.duckdb")
    assert source.load().store.path == Path("/somewhere/else.duckdb")


def test_the_default_settings_file_is_trail_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    assert config_path() == Path("trail.toml")
    monkeypatch.setenv(CONFIG_VARIABLE, "other.toml")
    assert config_path() == Path("other.toml")


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("TRAIL_SERVER__PORT", "abc", "server.port"),
        ("TRAIL_SERVER__PORT", "0", "server.port"),
        ("TRAIL_SERVER__PORT", "65536", "server.port"),
        ("TRAIL_STORE__THREADS", "0", "store.threads"),
        ("TRAIL_STORE__RETENTION_DAYS", "3651", "store.retention_days"),
        ("TRAIL_STORE__DEMO", "perhaps", "store.demo"),
        ("TRAIL_STORE__PAHT", "x", "store.paht"),
        ("TRAIL_AUTH__SESSION_HOURS", "25", "auth.session_hours"),
        ("TRAIL_LIMITS__LINE_BYTES", "1", "limits.line_bytes"),
        ("TRAIL_LIMITS__DEPTH", "3", "limits.depth"),
        ("TRAIL_STORE__NODE", "../a", "store.node"),
    ],
)
def test_an_invalid_setting_is_reported_with_its_possible_sources(
    config: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError) as refused:
        source.load()
    assert refused.value.message.startswith(f"Setting {name}: ")
    assert refused.value.hint == f"Settings are read from: defaults, mine.toml, {variable}."
    assert str(config.parent) not in str(refused.value)
    assert "pattern" not in refused.value.message  # in words, by the description


def test_an_unknown_setting_in_the_file_is_reported(config: Path) -> None:
    config.write_text("[stroe]\nthreads = 3\n")
    with pytest.raises(SettingError, match=r"^Setting stroe: "):
        source.load()


def test_a_settings_file_that_is_not_toml_is_reported(config: Path) -> None:
    config.write_text("workspace = \n[store\n")
    with pytest.raises(SettingError, match=r"mine\.toml"):
        source.load()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TRAIL_SERVER__ALLOWED_HOSTS", "audit.example.com"), ("TRAIL_STORE", "data/x.duckdb")],
)
def test_an_invalid_value_in_the_environment_is_reported(
    config: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    try:
        result = source.load()
    except SettingError as refused:
        assert variable.removeprefix("TRAIL_").split("__")[0].lower() in str(refused).lower()
    else:
        assert result.server.allowed_hosts == (value,)


def test_settings_cannot_change_while_running(config: Path) -> None:
    result = source.load()
    with pytest.raises(ValidationError):
        result.workspace = "Another"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        result.store.threads = 9  # type: ignore[misc]


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", {name: field})
        for inner_name, inner_field in inner.items():
            assert inner_field.description, f"{name}.{inner_name}"


def test_an_unknown_time_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAIL_TIMEZONE", "Foo/Bar")
    with pytest.raises(SettingError, match=r"timezone: .*unknown time zone"):
        source.load()
