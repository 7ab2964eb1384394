"""Local servers written from the contracts of Splunk's HEC and of the bulk API, and their tests."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from tests.receiver import Receiver
from tests.trail.notifications.conftest import Clock, Make, forward
from trail.core.settings import Settings
from trail.notifications import delivery_log, destinations
from trail.notifications.destination import Destination
from trail.storage.duckdb import Store

# What the servers reject in the name of a target.
POISON = "poison"
SECRET = "secret-of-the-tests"


@dataclass
class Splunk:
    """An HTTP Event Collector: takes the events before an invalid one, and none after it."""

    most_bytes: int = 1_000_000
    indexes: tuple[str, ...] = ("", "audit")
    taken: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and body of the response to one request."""
        if path != "/services/collector/event":
            return 404, b'{"text":"The requested URL was not found on this server.","code":404}'
        if headers.get("authorization") != f"Splunk {SECRET}":
            return 403, b'{"text":"Invalid token","code":4}'
        if len(body) > self.most_bytes:
            return 413, b'{"text":"Content-Length too large","code":27}'
        decoder, text, number = json.JSONDecoder(), body.decode(), 0
        while text := text.lstrip():
            envelope, end = decoder.raw_decode(text)
            text = text[end:]
            if envelope.get("index", "") not in self.indexes:
                return 400, b'{"text":"Incorrect index","code":7,"invalid-event-number":0}'
            if POISON in json.dumps(envelope["event"]) or not isinstance(envelope["time"], float):
                answer = {"text": "Invalid data format", "code": 6, "invalid-event-number": number}
                return 400, json.dumps(answer).encode()
            self.taken.append(envelope)
            number += 1
        return 200, b'{"text":"Success","code":0}'

    @property
    def ids(self) -> list[str]:
        """Return the IDs of the events, in order."""
        return [envelope["fields"]["event_id"] for envelope in self.taken]


@dataclass
class Elastic:
    """A bulk API with one data stream; *busy* says whether an item is answered with 429."""

    index: str = "logs-segment.audit-default"
    busy: Callable[[], bool] = lambda: False
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    copies: int = 0

    def __call__(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and body of the response to one request."""
        assert path == f"/{self.index}/_bulk?filter_path=errors,items.*.status,items.*.error.type"
        assert headers["content-type"] == "application/x-ndjson"
        if headers.get("authorization") != f"ApiKey {SECRET}":
            return 401, b'{"error":{"type":"security_exception"},"status":401}'
        assert body.endswith(b"\n")
        lines = [json.loads(line) for line in body.splitlines()]
        items = [
            {"create": self._create(action["create"]["_id"], document)}
            for action, document in zip(lines[::2], lines[1::2], strict=True)
        ]
        return 200, json.dumps({"errors": True, "items": items}).encode()

    def _create(self, number: str, document: dict[str, Any]) -> dict[str, Any]:
        assert len(number.encode()) <= 512
        if number in self.documents:
            self.copies += 1
            return {"status": 409, "error": {"type": "version_conflict_engine_exception"}}
        if "@timestamp" not in document or POISON in json.dumps(document):
            return {"status": 400, "error": {"type": "document_parsing_exception"}}
        if self.busy():
            return {"status": 429, "error": {"type": "es_rejected_execution_exception"}}
        self.documents[number] = document
        return {"status": 201}


def using(sending: Settings) -> Settings:
    """Return *sending* with the secret of the servers."""
    return sending.model_copy(
        update={"forward": forward(secrets={"siem": SecretStr(SECRET)}, timeout_s=5)}
    )


def stream_to(store: Store, kind: str, settings: dict[str, str], secret: str = "") -> Destination:
    """Store a destination of *kind* that gets every event; *secret* is the field of its secret."""
    secrets = {secret: "siem"} if secret else {}
    made = Destination(0, kind, kind, settings, secrets, streams=True)
    own = forward(secrets={"siem": SecretStr(SECRET)})
    number = store.write(lambda cursor: destinations.add(cursor, made, own, "owner"))
    return destinations.get(store, number)


def send_all(make: Make, settings: Settings, clock: Clock, store: Store, rounds: int = 60) -> None:
    """Run the outbox, advancing the clock, until nothing waits."""
    outbox = make(using=settings)
    for _ in range(rounds):
        outbox.run_once(until_done=True)
        clock.move(100_000)
        if not any(states.get("waiting") for states in delivery_log.counts(store).values()):
            return
    raise AssertionError("not all deliveries were sent")


def url(receiver: Receiver) -> str:
    """Return the address of *receiver* without a path."""
    return f"http://127.0.0.1:{receiver.port}"


def dead(store: Store) -> list[str]:
    """Return the keys of the dead letters."""
    return [row["key"] for row in delivery_log.list_deliveries(store, state="dead")]
