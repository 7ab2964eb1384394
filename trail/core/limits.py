"""Limits on what files, requests, connections and tabs cost: the settings `limits.*`."""

from pydantic import Field

from trail.core.section import Section


class Limits(Section):
    """What files, queries, connections and tabs may cost."""

    line_bytes: int = Field(1_048_576, ge=1024, description="Maximum length of a line in bytes.")
    upload_bytes: int = Field(
        2_000_000_000,
        ge=1_048_576,
        description="Maximum size in bytes of a file uploaded in the browser; all uploads waiting "
        "for import may take twice this size.",
    )
    depth: int = Field(64, ge=4, description="Maximum nesting depth of a record.")
    expansion: int = Field(
        1000,
        ge=2,
        description="Maximum compression ratio of a file that unpacks to more than 64 MiB.",
    )
    requests: int = Field(
        8,
        ge=1,
        le=64,
        description="Maximum number of pages and API requests that are answered at the same time; "
        "further ones wait, and users take turns.",
    )
    requests_per_user: int = Field(
        1, ge=1, le=64, description="Maximum number of these of one user or API token."
    )
    wait_seconds: float = Field(
        20,
        gt=0,
        le=600,
        description="Maximum time that a request waits for its turn in seconds; then it is "
        "answered with 429 or 503.",
    )
    query_seconds: float = Field(
        30,
        ge=0,
        le=3600,
        description="Query timeout of pages and API routes in seconds; all queries of one page or "
        "request may take twice as long. 0 disables it.",
    )
    exports: int = Field(
        4,
        ge=1,
        le=16,
        description="Maximum number of exports that are computed at the same time; an export "
        "waits for its client without being counted.",
    )
    exports_per_user: int = Field(
        1, ge=1, le=16, description="Maximum number of these of one user or API token."
    )
    open_exports: int = Field(
        32, ge=1, le=1000, description="Maximum number of exports that have not ended."
    )
    open_exports_per_user: int = Field(
        8, ge=1, le=1000, description="Maximum number of these of one user or API token."
    )
    export_query_seconds: float = Field(
        300,
        ge=0,
        le=86_400,
        description="Maximum time to compute the first or the next part of an export in seconds; "
        "0 disables it.",
    )
    export_idle_seconds: float = Field(
        120,
        gt=0,
        le=86_400,
        description="Maximum time in seconds that an export waits for a client to read 1 MiB.",
    )
    export_seconds: float = Field(
        14_400, gt=0, le=604_800, description="Maximum duration of an export in seconds."
    )
    connections: int = Field(
        1000,
        ge=16,
        description="Maximum number of open connections. Beyond it, those are closed that have "
        "waited longest for their client; `/healthz` and the push routes have 64 more.",
    )
    connections_per_address: int = Field(
        300,
        ge=8,
        description="Maximum number of connections, and of concurrent requests, of one IP address "
        "(IPv6: /64 network); connections of trusted proxies are not counted.",
    )
    head_seconds: float = Field(
        10, gt=0, le=600, description="Maximum time in seconds to send the head of a request."
    )
    body_seconds: float = Field(
        30, gt=0, le=600, description="Maximum time in seconds to send the body of a request."
    )
    stall_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="Seconds after which a client that reads nothing of its response is "
        "disconnected.",
    )
    tabs_per_user: int = Field(50, ge=1, description="Maximum number of open tabs of one user.")
    anonymous_tabs: int = Field(
        100, ge=1, description="Maximum number of open tabs that are not signed in."
    )
    anonymous_tabs_per_address: int = Field(
        20, ge=1, description="Maximum number of those of one IP address (IPv6: /64 network)."
    )
    anonymous_seconds: float = Field(
        600,
        gt=0,
        description="Seconds after which a tab that is not signed in has to connect again.",
    )
    anonymous_frames_per_second: float = Field(
        5, gt=0, description="Messages per second that are read from all of those of one address."
    )
    frame_bytes: int = Field(
        1_048_576, ge=65_536, description="Maximum length of one message of a tab in bytes."
    )
    frames_per_second: float = Field(
        20,
        gt=0,
        description="Messages per second that are read from all tabs of one user; more have to "
        "wait.",
    )
    log_repeats: int = Field(
        20,
        ge=1,
        description="How often per minute the same message is logged; then one line counts the "
        "others.",
    )
    log_bytes: int = Field(
        600_000, ge=20_000, description="Maximum growth of the log in bytes per minute."
    )
