"""Failed attempts and changes as lines of a file, by minutes from a Tuesday at 02:00 UTC."""

import datetime as dt
import itertools
import json

START = dt.datetime(2026, 10, 6, 2, 0, tzinfo=dt.UTC)
AUDIENCE = ("audience", "aud_vip", "VIP")
WAREHOUSE = ("warehouse", "wh_prod", "Snowflake prod")
BACKOFF = (0, 1, 3, 7, 15)
_number = itertools.count(1)


def at(minutes: float) -> dt.datetime:
    """Return the moment (aware) so many minutes after START."""
    return START + dt.timedelta(minutes=minutes)


def line(
    minutes: float,
    action: str,
    target: tuple[str, str, str],
    event_id: str = "",
    **details: str,
) -> bytes:
    """Return one forwarded record; *details* go into the record's details."""
    kind, name, title = target
    record = {
        "messageId": event_id or f"made-{next(_number):08}",
        "timestamp": at(minutes).isoformat().replace("+00:00", "Z"),
        "type": "track",
        "event": "Audit",
        "userId": "__system__",
        "properties": {
            "type": action,
            "workspace_id": "ws-1",
            "details": {
                "resource_id": name,
                "resource_type": kind,
                "target": title,
                "subject": "users/ana",
                **details,
            },
        },
    }
    return json.dumps(record).encode()


def run(
    minutes: float, attempts: int, target: tuple[str, str, str] = AUDIENCE, action: str = ""
) -> list[bytes]:
    """Return the failed attempts of one run that starts at *minutes*."""
    action = action or f"{target[0].replace('_', ' ').title()} Run Failed"
    return [line(minutes + wait, action, target) for wait in BACKOFF[:attempts]]


def change(minutes: float) -> bytes:
    """Return a change of something else, up to which it is known what failed."""
    return line(minutes, "Source Modified", ("source", "src_other", "Other"))


def text(*lines: bytes) -> bytes:
    """Return *lines* as a file."""
    return b"".join(item + b"\n" for item in lines)
