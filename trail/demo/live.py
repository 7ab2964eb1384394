"""Events that keep arriving while the demo workspace runs, between those of its generated file.

They are routine events by the workspace itself, which change nothing: each repeats an earlier one
at another time.
"""

import datetime as dt
import json
import random
import string
import uuid

from trail.demo.ids import KSUID_LENGTH
from trail.demo.noise import TRAFFIC

ACTIONS = ("New Event Allowed", "Violations Detected")

_CHARACTERS = string.digits + string.ascii_letters
_SHORTEST_S, _LONGEST_S = 20.0, 60.0
# A busier feed would stand out on charts beside the days that were generated.
_BUSIEST_S = 35.0
_JITTER = 0.3
# From an event until Segment has forwarded it.
_DELAY = dt.timedelta(milliseconds=90)


def pause_s(now: dt.datetime, rng: random.Random) -> float:
    """Return the seconds until the next event: about 35 at the busiest hour (UTC), 60 at night."""
    quietest, busiest = float(TRAFFIC.min()), float(TRAFFIC.max())
    share = (float(TRAFFIC[now.hour]) - quietest) / (busiest - quietest)
    pause = _LONGEST_S - share * (_LONGEST_S - _BUSIEST_S)
    return min(max(pause * rng.uniform(1 - _JITTER, 1 + _JITTER), _SHORTEST_S), _LONGEST_S)


def is_routine(line: str) -> bool:
    """Return whether *line* of a generated file is a forwarded event that can be repeated."""
    return '"event":"Audit"' in line and any(f'"type":"{name}"' in line for name in ACTIONS)


def repeated(line: str, now: dt.datetime, rng: random.Random) -> str:
    """Return the routine event of *line* as another one, received at *now* (UTC, without zone)."""
    record = json.loads(line)
    received, occurred = _milliseconds(now), _milliseconds(now - _DELAY)
    record["messageId"] = "api-" + "".join(rng.choices(_CHARACTERS, k=KSUID_LENGTH))
    record["timestamp"] = record["originalTimestamp"] = occurred
    record["receivedAt"] = received
    details = record["properties"]["details"]
    if "message_id" in details:
        details["message_id"] = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _milliseconds(moment: dt.datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')}Z"
