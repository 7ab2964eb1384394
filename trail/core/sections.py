"""The sections of the settings that belong to no loader."""

import datetime as dt
from pathlib import Path
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from trail.core.networks import Network, is_private
from trail.core.section import EDITABLE, Section

# Sign-in, cookies, downloads and links in messages all start at the root of the host.
SUB_PATH: Final = (
    "The dashboard cannot be served under a path, such as /audit. Give it a host name of its own"
)


# Findings of archived days, and what they are judged by, are kept for so many days.
REVIEWED_DAYS: Final = 90

Role = Literal["owner", "reviewer", "manager", "viewer", "auditor"]

# Owners manage users by username, so they always see addresses.
MaskedRole = Literal["reviewer", "manager", "viewer", "auditor"]


class Store(Section):
    """Where the trail is kept."""

    path: Path = Field(Path("data/trail.duckdb"), description="The database file.")
    demo_path: Path = Field(
        Path("data/demo.duckdb"), description="The demo workspace's own database file."
    )
    demo: Literal["auto", "never"] = Field(
        "auto", description="`auto` opens the demo workspace while no database exists yet."
    )
    memory: str = Field(
        "4GB", description="Memory limit of the database; beyond it, data spills to disk."
    )
    threads: int = Field(2, ge=1, description="Maximum number of threads per query.")
    role: Literal["server", "ingest"] = Field(
        "server",
        description="`ingest` starts a process that only receives events and passes them to the "
        "server through the folder `incoming` in `store.archive_path`.",
    )
    node: str = Field(
        "",
        pattern="^([a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?)?$",
        description="Name of this ingest process, different for each: at most 32 lower-case "
        "letters, digits and hyphens, such as `ingest-a`.",
    )
    retention_days: int = Field(
        90,
        ge=1,
        le=3650,
        description="Retention period in days of event time.",
        title="Days to keep events",
        json_schema_extra=EDITABLE,
    )
    archive: bool = Field(
        False,
        description="Archive events before the retention policy removes them.",
        title="Archive events before they are removed",
        json_schema_extra=EDITABLE,
    )
    archive_path: Path = Field(Path("data/archive"), description="Folder of the archive.")
    archive_days: int = Field(
        0,
        ge=0,
        le=36500,
        description="Retention period of archived events in days of event time; 0 keeps them.",
        title="Days to keep archived events",
        json_schema_extra=EDITABLE,
    )

    @field_validator("archive_path", mode="before")
    @classmethod
    def _is_folder(cls, path: object) -> object:
        if str(path).startswith("s3:"):
            raise PydanticCustomError("archive_path", "must be a folder; set archive.url instead")
        return path

    @field_validator("archive_days")
    @classmethod
    def _is_longer(cls, days: int, info: ValidationInfo) -> int:
        if 0 < days <= info.data.get("retention_days", 0):
            raise PydanticCustomError(
                "archive_days",
                "must be more than store.retention_days ({days}), or 0",
                {"days": info.data["retention_days"]},
            )
        return days

    @property
    def incoming(self) -> Path:
        """Return the folder in which ingest processes leave received events for the server."""
        return self.archive_path.absolute() / "incoming"

    @property
    def readable_days(self) -> int | None:
        """Return for how many days events can be read, archived ones included; None: for ever."""
        return (self.archive_days or None) if self.archive else self.retention_days

    @property
    def review_days(self) -> int:
        """Return for how many days findings are kept: for as long as their events are stored.

        Archived events count for up to `REVIEWED_DAYS`.
        """
        return max(self.retention_days, min(REVIEWED_DAYS, self.readable_days or REVIEWED_DAYS))

    def cutoff(self, now: dt.datetime) -> dt.datetime:
        """Return the midnight (naive UTC) before which events are removed at *now*.

        A naive *now* is UTC.
        """
        today = (now.astimezone(dt.UTC) if now.tzinfo else now).date()
        return dt.datetime.combine(today - dt.timedelta(days=self.retention_days), dt.time())


class Archive(Section):
    """A bucket that the archive is in, in place of the folder `store.archive_path`."""

    url: str = Field(
        "", description="`s3://bucket/prefix` of the archive; leave empty for the folder."
    )
    endpoint: str = Field("", description="URL of another S3-compatible service.")
    region: str = Field("", description="The bucket's region.")
    access_key: SecretStr = Field(
        SecretStr(""), description="Access key; leave empty to use the machine's own."
    )
    secret_key: SecretStr = Field(SecretStr(""), description="Secret key of the access key.")


class Cluster(Section):
    """A Spark cluster that answers queries about archived events."""

    url: str = Field(
        "",
        description="Address of Spark Connect, such as `sc://spark.example.com:15002`; empty reads "
        "the archive in this process.",
    )
    token: SecretStr = Field(
        SecretStr(""), description="Bearer token for Spark Connect; it requires TLS."
    )
    archive: str = Field(
        "",
        description="Address of the archive for the cluster, such as `s3a://bucket/archive`; the "
        "bucket or folder of this process by default.",
    )
    least_events: int | None = Field(
        None,
        ge=0,
        description="Archived events of the days that a query reads from which on the cluster is "
        "asked. By default it is asked where its workers have so many cores that it answers sooner "
        "than this process.",
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, given: str) -> str:
        place = urlsplit(given)
        if given and (place.scheme != "sc" or not place.hostname):
            raise ValueError("must be an address such as sc://127.0.0.1:15002")
        return given


class Demo(Section):
    """The demo workspace, which is shown while no database exists yet."""

    live: bool = Field(
        True, description="Whether events keep arriving in the demo workspace while it is shown."
    )


# Title of each setup step that an owner can skip.
SETUP_STEPS = {"events": "Events", "alerts": "Alerts", "colleagues": "Colleagues"}


class Setup(Section):
    """The setup of the workspace in the browser."""

    skipped: tuple[Literal["events", "alerts", "colleagues"], ...] = Field(
        (),
        description="Steps of the setup guide that an owner skipped.",
        title="Skipped setup steps",
        json_schema_extra=EDITABLE,
    )


class Server(Section):
    """How the pages and routes are served."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8501, ge=1, le=65535, description="Port to listen on.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names that requests may use; empty allows loopback names only."
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (),
        description="IP addresses or networks of the proxies whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` headers are trusted; those of others are ignored.",
    )
    https: bool = Field(
        False,
        description="Set if a proxy serves the dashboard over HTTPS; cookies are then Secure.",
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        description="Format of the log on standard error: text for people, or one JSON object per "
        "line with `time` (UTC), `level`, `logger`, `message` and `exception`.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token for `/metrics` and for the state of each source in `/healthz`; "
        "if empty, only requests from this machine are answered.",
    )
    unhealthy_if_source_fails: bool = Field(
        False,
        description="Whether `/healthz` answers 503 with `ok: false` while a configured source "
        "fails. Leave it off for load balancers and automatic restarts: meanwhile the server shows "
        "stored events and receives webhooks.",
    )


class PushSettings(Section):
    """How received events are queued for the database; each receiver adds its own settings."""

    section: ClassVar[str] = "push"
    backlog_bytes: int = Field(
        1_073_741_824,
        ge=1_048_576,
        description="Maximum size of the write-ahead log in bytes.",
    )


class Sources(Section):
    """When a source of events is reported as silent."""

    silent_hours: int = Field(
        0,
        ge=0,
        le=720,
        description="Hours without an event after which a source is reported as silent. With 0, a "
        "source is only compared with the same hours of earlier weeks.",
        title="Hours without an event until a source is silent",
        json_schema_extra=EDITABLE,
    )


class Forward(Section):
    """Outgoing messages: forwarded events and alerts."""

    secrets: dict[str, SecretStr] = Field(
        {},
        description="Write keys, passwords and secret URLs of destinations, "
        "each under a name of your choice.",
        title="Secrets of destinations",
        json_schema_extra=EDITABLE,
    )
    hosts: dict[str, tuple[str, ...]] = Field(
        {},
        description="Hosts (`host` or `host:port`) that each of these secrets may be sent to, by "
        "name of the secret. A URL may only go to its own host, a write key to Segment's.",
    )
    public_url: str = Field(
        "",
        description="URL of the dashboard for users, without a path; links in messages start with "
        "it.",
        title="Address of the dashboard",
        json_schema_extra=EDITABLE,
    )
    allow_loopback: bool = Field(
        False, description="Allow destinations on this machine, without HTTPS; for testing only."
    )
    networks: tuple[Network, ...] = Field(
        (),
        description="Private networks that destinations may be in, such as `10.20.0.0/16`; any "
        "other destination needs a public address.",
    )
    ca_file: str = Field(
        "",
        description="PEM file of certificate authorities for verifying destinations, in addition "
        "to those of the system.",
    )
    timeout_s: float = Field(
        10, gt=0, le=60, description="Timeout of one delivery attempt in seconds."
    )
    working_hours: str = Field(
        "08:00-18:00",
        pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]",
        description="Working hours from Monday to Friday: the initial value of new alert rules for "
        "activity outside working hours. Each rule has its own time zone.",
        title="Working hours, Monday to Friday",
        json_schema_extra=EDITABLE,
    )
    alert_hours: float = Field(
        24,
        gt=0,
        le=8760,
        description="Events that arrive later than this after they occurred do not trigger alerts.",
        title="Hours after which late events trigger no alert",
        json_schema_extra=EDITABLE,
    )
    log_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Retention of the delivery log in days.",
        title="Days to keep the delivery log",
        json_schema_extra=EDITABLE,
    )
    log_rows: int = Field(
        10_000,
        ge=100,
        description="Maximum number of deliveries, and of dead letters, in the log "
        "per destination.",
    )

    @field_validator("networks")
    @classmethod
    def _are_private(cls, networks: tuple[Network, ...]) -> tuple[Network, ...]:
        if not all(is_private(network) for network in networks):
            raise PydanticCustomError(
                "network", "not a private network; use one such as 10.20.0.0/16"
            )
        return networks

    @field_validator("public_url")
    @classmethod
    def _is_root(cls, url: str) -> str:
        if urlsplit(url).path.strip("/"):
            raise PydanticCustomError("sub_path", SUB_PATH)
        return url

    @field_validator("working_hours")
    @classmethod
    def _in_order(cls, given: str) -> str:
        start, _, end = given.partition("-")
        if start >= end:
            raise ValueError("the start must be before the end")
        return given

    @field_validator("hosts", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        """Accept one text for the hosts of a secret, separated by commas."""
        if not isinstance(given, dict):
            return given
        return {
            name: [host.strip() for host in hosts.split(",") if host.strip()]
            if isinstance(hosts, str)
            else hosts
            for name, hosts in given.items()
            if hosts
        }


class Seals(Section):
    """How days are sealed."""

    close_hours: float = Field(
        24, ge=0, le=720, description="Hours between the end of a UTC day and its seal."
    )
    mirror: Path | None = Field(
        None, description="File that seals are mirrored to; by default, beside the database."
    )


class Auth(Section):
    """Who may sign in."""

    users_path: Path = Field(Path("data/users.yaml"), description="The users file.")
    session_hours: float = Field(
        12, gt=0, le=24, description="Maximum duration of a session in hours."
    )
    idle_minutes: float = Field(
        30, gt=0, le=1440, description="Minutes without activity after which a session ends."
    )
    access_days: int = Field(400, ge=1, le=3650, description="Retention of the access log in days.")
    require_second_factor: tuple[Role, ...] = Field(
        (),
        description="Roles whose users must set up a second factor when they sign in with a "
        "password.",
        title="Second factor required for",
        json_schema_extra=EDITABLE,
    )
    mask_emails: tuple[MaskedRole, ...] = Field(
        (),
        description="Roles that see masked e-mail addresses (`m********@example.com`) on all "
        "pages, in the API and in exports. They have no text search, Parquet or evidence.",
        title="Mask e-mail addresses for",
        json_schema_extra=EDITABLE,
    )
    oidc_metadata_url: str = Field(
        "",
        description="The `…/.well-known/openid-configuration` URL of the identity provider; "
        "empty disables it.",
    )
    oidc_client_id: str = Field("", description="Client ID at the identity provider.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="Client secret at the identity provider."
    )
    oidc_roles: dict[str, Role] = Field({}, description="Maps values of the role claim to roles.")
    oidc_role_claim: str = Field(
        "roles", description="Claim of the ID token that contains the role or a list of roles."
    )
    oidc_name_claim: str = Field(
        "email",
        description="Claim that identifies people in the logs; without it, or for an unverified "
        "e-mail address, the claim `sub` is used.",
    )
    oidc_actor_claim: str = Field(
        "segment_user_id",
        description="Claim that contains the Segment actor ID of the person, or a list of IDs, "
        "such as `users/abc123`; people cannot review the activity of these actors.",
    )
    oidc_label: str = Field(
        "your provider", description="Name of the identity provider on the sign-in button."
    )
    oidc_prompt: Literal["select_account", "login"] = Field(
        "select_account",
        description="`login` makes the identity provider ask for the password every time.",
    )
    passwords: bool = Field(
        False, description="Show the password form in addition to the identity provider."
    )

    @property
    def by_provider(self) -> bool:
        """Return whether people sign in with a provider."""
        return bool(self.oidc_metadata_url)

    @property
    def by_password(self) -> bool:
        """Return whether people sign in with a password."""
        return self.passwords or not self.by_provider


class Encryption(Section):
    """How secrets that are entered in the browser are encrypted."""

    key: SecretStr = Field(
        SecretStr(""),
        description="Key of these secrets: 32 bytes as URL-safe Base64. If empty, the key file is "
        "used, which is created with the first secret.",
    )
    key_path: Path | None = Field(
        None, description="The key file; by default, beside the database."
    )


class Backup(Section):
    """Backups that the server makes automatically."""

    path: Path | None = Field(
        None,
        description="Folder for daily backups, preferably on another disk; empty disables them.",
    )
    keep: int = Field(
        7,
        ge=1,
        le=3650,
        description="Number of daily backups to keep.",
        title="Daily backups to keep",
        json_schema_extra=EDITABLE,
    )
    archive: bool = Field(True, description="Whether daily backups include the archive.")


class Export(Section):
    """What exported files look like, and where scheduled ones are written."""

    folder: Path | None = Field(
        None, description="Folder for the files of scheduled exports; empty disables them."
    )
    keep: int = Field(
        90, ge=1, le=3650, description="Number of files to keep of each scheduled export."
    )
    max_bytes: int = Field(
        1_073_741_824, ge=1_024, description="Maximum size of the file of a scheduled export."
    )
    csv_bom: bool = Field(
        True,
        description="Begin CSV files with a byte order mark; without it, Excel misreads non-ASCII "
        "letters.",
        title="CSV for Excel (byte order mark)",
        json_schema_extra=EDITABLE,
    )
