"""Settings: defaults, `trail.toml`, `secrets.toml`, then the environment (`TRAIL_SECTION__NAME`).

Read once at the start of a process and handed down; nothing else reads the environment.
"""

import os
import stat
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from trail.core import registry
from trail.core.errors import SettingError

S = TypeVar("S", bound="Section")

CONFIG_VARIABLE = "TRAIL_CONFIG"


class Section(BaseModel):
    """One section of the settings.

    A loader declares its own as a subclass that names the section; classes of the same section
    are merged.
    """

    section: ClassVar[str] = ""
    model_config = ConfigDict(extra="forbid", frozen=True)


class Store(Section):
    """Where the trail is kept."""

    path: Path = Field(Path("data/trail.duckdb"), description="The database file.")
    demo_path: Path = Field(
        Path("data/demo.duckdb"), description="The demo workspace's own database file."
    )
    demo: Literal["auto", "never"] = Field(
        "auto", description="`auto` opens the demo workspace while no database exists yet."
    )
    memory: str = Field("4GB", description="Memory that the database may use before it spills.")
    threads: int = Field(2, ge=1, description="Threads that a query may use.")
    retention_days: int = Field(90, ge=1, le=3650, description="Days of event time kept.")
    archive: bool = Field(False, description="Write events to the archive before they are removed.")
    archive_path: Path = Field(Path("data/archive"), description="The archive's folder.")


class Server(Section):
    """How the pages and routes are served."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8501, ge=1, le=65535, description="Port to listen on.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names that may be asked for; empty allows the loopback names only."
    )
    https: bool = Field(False, description="Set when a proxy serves it over https: Secure cookies.")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token for `/metrics`; empty answers this machine only."
    )


class PushSettings(Section):
    """How received events wait for the database; each receiver adds its own settings."""

    section: ClassVar[str] = "push"
    backlog_bytes: int = Field(
        1_073_741_824,
        ge=1_048_576,
        description="Maximum bytes on disk that wait for the database.",
    )


class Forward(Section):
    """What goes out: forwarded events and alerts."""

    secrets: dict[str, SecretStr] = Field(
        {}, description="Write keys, passwords and secret addresses by a name of one's own."
    )
    public_url: str = Field(
        "", description="Address under which people open the trail; links in messages start so."
    )
    allow_loopback: bool = Field(
        False, description="Send to this machine too, and there without https; for tries only."
    )
    timeout_s: float = Field(10, gt=0, le=60, description="Seconds that one try may take.")
    alert_hours: float = Field(
        24, gt=0, le=8760, description="Events that arrive older than this set off no alert."
    )
    log_days: int = Field(30, ge=1, le=3650, description="Days that the delivery log is kept.")
    log_rows: int = Field(
        10_000, ge=100, description="Deliveries a destination that the log keeps; so many dead too."
    )


class Seals(Section):
    """How days are sealed."""

    close_hours: float = Field(
        24, ge=0, le=720, description="Hours after a UTC day's end until it is sealed."
    )
    mirror: Path | None = Field(
        None, description="File that each seal is also written to; none is beside the database."
    )


class Auth(Section):
    """Who may sign in."""

    users_path: Path = Field(Path("data/users.yaml"), description="The users file.")
    session_hours: float = Field(12, gt=0, le=24, description="A session ends after this long.")
    idle_minutes: float = Field(
        30, gt=0, le=1440, description="A session ends after this long without use."
    )
    access_days: int = Field(400, ge=1, le=3650, description="Days that the access log is kept.")
    oidc_metadata_url: str = Field(
        "", description="An OpenID provider's `…/.well-known/openid-configuration`; empty is none."
    )
    oidc_client_id: str = Field("", description="The client's id at the provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Belongs to the client's id.")
    oidc_roles: dict[str, Literal["owner", "reviewer", "manager"]] = Field(
        {}, description="Values of the role claim, and the role that each gives here."
    )
    oidc_role_claim: str = Field(
        "roles", description="Claim of the ID token that says the role, or a list of them."
    )
    oidc_name_claim: str = Field(
        "email",
        description="Claim that names people in the logs; without it, or for an email that is "
        "not verified, their `sub`.",
    )
    oidc_label: str = Field("your provider", description="The provider's name on the button.")
    oidc_prompt: Literal["select_account", "login"] = Field(
        "select_account", description="`login` has the provider ask for the password each time."
    )
    passwords: bool = Field(
        False, description="Keep the password form beside a provider; without one it is there."
    )

    @property
    def by_provider(self) -> bool:
        """Return whether people sign in with a provider."""
        return bool(self.oidc_metadata_url)

    @property
    def by_password(self) -> bool:
        """Return whether people sign in with a password."""
        return self.passwords or not self.by_provider


class Backup(Section):
    """Backups that the server makes by itself."""

    path: Path | None = Field(
        None, description="Folder for a backup a day, better on another disk; none makes none."
    )
    keep: int = Field(7, ge=1, le=3650, description="Daily backups that are kept.")
    archive: bool = Field(True, description="Whether daily backups hold the archive's files too.")


class Limits(Section):
    """What a file may demand of the loader, and a question of the database."""

    line_bytes: int = Field(1_048_576, ge=1024, description="Longest line that is read, in bytes.")
    depth: int = Field(64, ge=4, description="Deepest nesting of a record.")
    expansion: int = Field(
        1000, ge=2, description="A compressed file may grow this many times over, past 64 MiB."
    )
    exports: int = Field(4, ge=1, le=16, description="Exports that may stream at the same time.")
    query_seconds: float = Field(
        30, ge=0, le=3600, description="Seconds that a page or an API answer may ask; 0 for any."
    )


class Settings(BaseSettings):
    """All settings, frozen. Instances also have the sections that loaders declare; see `of`."""

    model_config = SettingsConfigDict(
        env_prefix="TRAIL_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    workspace: str = Field("", description="The workspace's name, shown in the title.")
    timezone: str = Field("", description="Zone for those whose browser tells none; else UTC.")
    store: Store = Store()
    server: Server = Server()
    push: PushSettings = PushSettings()
    forward: Forward = Forward()
    seals: Seals = Seals()
    auth: Auth = Auth()
    backup: Backup = Backup()
    limits: Limits = Limits()

    def __new__(cls, *args: object, **given: object) -> Self:
        """Return an instance of the `assembled` class."""
        return object.__new__(cast("type[Self]", assembled()) if cls is Settings else cls)

    def of(self, kind: type[S]) -> S:
        """Return the section that the class *kind* declares or contributes to."""
        section = getattr(self, kind.section)
        assert isinstance(section, kind)
        return section

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: given in code, environment, `secrets.toml`, `trail.toml`."""
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
    try:
        return Settings(**given)
    except tomllib.TOMLDecodeError as problem:
        raise SettingError(
            f"{config_path().name}: not a TOML file: {problem}.", "Mend that line."
        ) from None
    except SettingsError as problem:
        raise SettingError(
            f"The environment cannot be read: {problem}.", "Name one setting a variable."
        ) from None
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        places = f"defaults, {config_path().name}, {variable(name)}"
        raise SettingError(
            f"Setting {name}: {first['msg']}.", f"Settings are read from: {places}."
        ) from None
