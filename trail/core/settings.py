"""Settings: defaults, those stored in the browser, `trail.toml`, `secrets.toml`, the environment.

Later sources take precedence; variables are named `TRAIL_SECTION__NAME`. Settings are read when a
process starts and handed down; nothing else reads the environment.
"""

import contextlib
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, cast

from pydantic import Field, PrivateAttr, ValidationError, create_model, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from trail.core import registry, stored_settings
from trail.core.errors import SettingError
from trail.core.limits import Limits
from trail.core.secret_box import SecretBox
from trail.core.section import EDITABLE, Section
from trail.core.sections import (
    Archive,
    Auth,
    Backup,
    Cluster,
    Demo,
    Encryption,
    Export,
    Forward,
    PushSettings,
    Seals,
    Server,
    Setup,
    Sources,
    Store,
)
from trail.core.zones import zone_names

S = TypeVar("S", bound="Section")

CONFIG_VARIABLE = "TRAIL_CONFIG"

# A name under a setting with several values, such as `forward.secrets`.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

# The settings stored in the browser, as nested sections, while `load` assembles the settings.
_stored: ContextVar[dict[str, Any]] = ContextVar("stored settings")


class Settings(BaseSettings):
    """All settings, frozen. Instances also have the sections that loaders declare; see `of`."""

    model_config = SettingsConfigDict(
        env_prefix="TRAIL_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    workspace: str = Field(
        "",
        description="The workspace's name, shown in the title.",
        title="Workspace name",
        json_schema_extra=EDITABLE,
    )
    timezone: str = Field(
        "",
        description="Time zone for browsers that report none; UTC by default.",
        title="Time zone of the server",
        json_schema_extra=EDITABLE,
    )
    week_start: Literal["auto", "monday", "saturday", "sunday"] = Field(
        "auto",
        description="First day of the week; `auto` follows the browser's language and region.",
        title="First day of the week",
        json_schema_extra=EDITABLE,
    )
    store: Store = Store()
    archive: Archive = Archive()
    cluster: Cluster = Cluster()
    sources: Sources = Sources()
    demo: Demo = Demo()
    setup: Setup = Setup()
    server: Server = Server()
    push: PushSettings = PushSettings()
    forward: Forward = Forward()
    seals: Seals = Seals()
    auth: Auth = Auth()
    encryption: Encryption = Encryption()
    backup: Backup = Backup()
    export: Export = Export()
    limits: Limits = Limits()
    # Problems of settings stored in the browser, each as a sentence.
    _problems: tuple[str, ...] = PrivateAttr(())

    @field_validator("timezone")
    @classmethod
    def _known(cls, given: str) -> str:
        if given and given not in zone_names():
            raise ValueError("unknown time zone; use a name such as Europe/Oslo")
        return given

    def __new__(cls, *args: object, **given: object) -> Self:
        """Return an instance of the `assembled` class."""
        return object.__new__(cast("type[Self]", assembled()) if cls is Settings else cls)

    def of(self, kind: type[S]) -> S:
        """Return the section that the class *kind* declares or contributes to."""
        section = getattr(self, kind.section)
        assert isinstance(section, kind)
        return section

    @property
    def problems(self) -> tuple[str, ...]:
        """Return the problems of the settings that owners stored, as sentences."""
        return self._problems

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: in code, environment, `secrets.toml`, `trail.toml`, stored in the browser."""
        secrets = secrets_path()
        if secrets.exists() and stat.S_IMODE(secrets.stat().st_mode) & 0o077:
            raise SettingError(
                f"{secrets.name} can be read by other users of this machine.",
                f"Run: chmod 600 {secrets.name}",
            )
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, toml_file=secrets),
            TomlConfigSettingsSource(settings_cls, toml_file=config_path()),
            InitSettingsSource(settings_cls, init_kwargs=_stored.get({})),
        )


@cache
def assembled() -> type[Settings]:
    """Return the settings class with the sections of every loader. Imports all loaders."""
    declared: dict[str, list[type[Section]]] = {}
    for loader in registry.discover("loaders", "LOADER").values():
        kind = getattr(loader, "section", None)
        if kind:
            declared.setdefault(kind.section, []).append(kind)
    fields: dict[str, Any] = {}
    for name, kinds in declared.items():
        if name in Settings.model_fields:
            kinds.append(type(Settings.model_fields[name].default))
        kinds = list(dict.fromkeys(kinds))
        merged = kinds[0]
        if len(kinds) > 1:
            merged = create_model(name.title(), __base__=tuple(kinds))
        fields[name] = (merged, merged())
    return create_model("Settings", __base__=Settings, **fields)


def every_setting() -> Iterator[tuple[str, FieldInfo]]:
    """Yield the name of every setting, such as `store.path`, and its field."""
    for name, field in assembled().model_fields.items():
        if isinstance(field.default, Section):
            for key, inner in type(field.default).model_fields.items():
                yield f"{name}.{key}", inner
        else:
            yield name, field


def editable_settings() -> list[str]:
    """Return the names of the settings that owners can change in the browser.

    Settings with named values, such as `forward.secrets`, are listed without the name.
    """
    return [name for name, _ in every_setting() if is_editable(name)]


def is_editable(setting: str) -> bool:
    """Return whether owners can change *setting* in the browser; False for an unknown one."""
    field = _field(setting)
    return bool(field and field.json_schema_extra == EDITABLE)


def is_secret(setting: str) -> bool:
    """Return whether *setting* is a secret or contains secrets."""
    field = _field(setting)
    return bool(field and "SecretStr" in str(field.annotation))


def value_of(settings: Settings, setting: str) -> Any:
    """Return the value of *setting*; None for an unset name under, say, `forward.secrets`."""
    value: Any = settings
    for part in setting.split(".", 2):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part)
    return value


def check_value(setting: str, value: Any) -> None:
    """Raise `SettingError` if *value*, which is JSON, is not valid for *setting*."""
    token = _stored.set(stored_settings.StoredValues({setting: value}).nested())
    try:
        with _explained():
            Settings()
    finally:
        _stored.reset(token)


def field_of(setting: str) -> FieldInfo:
    """Return the declaration of *setting*; raises `SettingError` for an unknown one."""
    field = _field(setting)
    if field is None:
        raise SettingError(f"Unknown setting {setting}.")
    return field


def _field(setting: str) -> FieldInfo | None:
    """Return the field of *setting*; for a named value, that of its parent."""
    fields = dict(every_setting())
    section, _, name = setting.rpartition(".")
    if _NAME.fullmatch(name) and isinstance((parent := fields.get(section)), FieldInfo):
        return parent if isinstance(parent.default, dict) else None
    return fields.get(setting)


def variable(setting: str) -> str:
    """Return the environment variable of *setting*: `TRAIL_STORE__PATH` for `store.path`."""
    return "TRAIL_" + setting.upper().replace(".", "__")


def config_path() -> Path:
    """Return the path of the settings file: `TRAIL_CONFIG`, else `trail.toml` here."""
    return Path(os.environ.get(CONFIG_VARIABLE, "trail.toml"))


def secrets_path() -> Path:
    """Return the path of the file for tokens and keys, beside the settings file."""
    return config_path().with_name("secrets.toml")


def load(**given: Any) -> Settings:
    """Return the settings of this process.

    Raises `SettingError` naming the setting, what is wrong, and where settings are read from.
    """
    with _explained():
        settings = Settings(**given)
        path = stored_settings.path_of(settings.store.path)
        stored = stored_settings.values(path, box_of(settings))
        return _with_stored(settings, stored, given)


def _with_stored(
    settings: Settings, stored: stored_settings.StoredValues, given: dict[str, Any]
) -> Settings:
    """Return *settings* with the *stored* values; invalid ones are omitted as problems."""
    values = {name: value for name, value in stored.values.items() if is_editable(name)}
    problems = [_unreadable(settings, stored.unreadable)]
    problems += [_not_used(name, "unknown") for name in stored.values.keys() - values.keys()]
    while values:
        token = _stored.set(stored_settings.StoredValues(values).nested())
        try:
            settings = Settings(**given)
            break
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            wrong = ".".join(map(str, first["loc"]))
            names = [name for name in values if f"{wrong}.".startswith(f"{name}.")]
            if not names:
                raise
            values.pop(names[0])
            problems.append(_not_used(names[0], first["msg"]))
        finally:
            _stored.reset(token)
    settings._problems = tuple(filter(None, problems))
    return settings


def _not_used(name: str, reason: str) -> str:
    return f"The stored setting {name} is not used: {reason}."


def _unreadable(settings: Settings, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    reason = box_of(settings).problem() or "The key is not the one that encrypted them."
    return (
        f"Stored secrets that cannot be read: {', '.join(names)}. {reason} "
        "Restore the key, or enter them again."
    )


def box_of(settings: Settings) -> SecretBox:
    """Return the encryption of the secrets that owners enter in the browser."""
    database = settings.store.path
    path = settings.encryption.key_path or database.with_name(f"{database.stem}.secrets.key")
    return SecretBox(path, settings.encryption.key.get_secret_value())


def fixed_by(setting: str) -> str:
    """Return the variable or file that sets *setting* and overrides the browser, or ""."""
    kind = assembled()
    sources = {
        variable(setting): EnvSettingsSource(kind, env_prefix="TRAIL_", env_nested_delimiter="__"),
        secrets_path().name: TomlConfigSettingsSource(kind, toml_file=secrets_path()),
        config_path().name: TomlConfigSettingsSource(kind, toml_file=config_path()),
    }
    for place, source in sources.items():
        found: Any = source()
        for part in setting.split(".", 2):
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            return place
    return ""


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn the errors of the sources into a `SettingError`."""
    try:
        yield
    except tomllib.TOMLDecodeError as problem:
        raise SettingError(
            f"{config_path().name}: not a TOML file: {problem}.", "Correct that line."
        ) from None
    except SettingsError as problem:
        raise SettingError(
            f"The environment cannot be read: {problem}.", "Set one setting per variable."
        ) from None
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        places = f"defaults, {config_path().name}, {variable(name)}"
        message = f"{first['msg']}."
        if first["type"] == "string_pattern_mismatch" and (field := _field(name)):
            message = f"Not of the form that is allowed. {field.description}"
        raise SettingError(
            f"Setting {name}: {message}", f"Settings are read from: {places}."
        ) from None
