"""Asking Segment's Public API, over a real connection to a server that fails as it is told to."""

import datetime as dt
import itertools
import json
import logging
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from loaders import _segment_http, segment_api
from loaders._segment_http import SegmentSettings
from tests.conftest import quarantine
from tests.segment_api_server import BROKEN, FAULTS, TOKEN, Answer, SegmentApi, error
from tests.segment_records import api_event
from trail.core.errors import InputError, SettingError, TrailError, UnavailableError
from trail.core.model import Ask, Batch, Chunk, Feed, Person
from trail.core.registry import of_kind
from trail.core.settings import Settings
from trail.ingest import pipeline
from trail.ingest.json_records import split
from trail.storage import cursors
from trail.storage.duckdb import Store

ASK = Ask(dt.datetime(2026, 11, 1), dt.datetime(2026, 12, 1))
EVENTS = [api_event(n) for n in range(50)]
SINCE, UNTIL = "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"


class Waits:
    """A clock that only sleeping moves, and the waits that were asked for."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 1_000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    result = Waits()
    monkeypatch.setattr(_segment_http, "_sleep", result.sleep)
    monkeypatch.setattr(_segment_http, "_clock", result.clock)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return result


@pytest.fixture
def api() -> Iterator[SegmentApi]:
    with SegmentApi(EVENTS) as server:
        yield server


@pytest.fixture
def using(settings: Settings) -> Callable[..., Settings]:
    """Return `using(api, **segment)`: settings that ask that server, ten events a page."""

    def made(server: SegmentApi | None, **given: Any) -> Settings:
        segment = {"token": SecretStr(TOKEN), "page_events": 10, "timeout_s": 10, **given}
        if server:
            segment["url"] = server.url
        return settings.model_copy(update={"segment": SegmentSettings(**segment)})

    return made


def ids(chunks: list[Chunk]) -> list[str]:
    return [json.loads(raw)["id"] for chunk in chunks for raw in chunk.records["raw"].to_pylist()]


def pull(settings: Settings, ask: Ask = ASK) -> list[Chunk]:
    return list(segment_api.pull(settings, ask))


def load(store: Store, settings: Settings, ask: Ask = ASK) -> Batch:
    batch = Batch(source="Segment", loader="segment_api")
    return pipeline.load(store, batch, segment_api.pull(settings, ask), settings.limits)


def stored(store: Store) -> list[str]:
    return sorted(store.table("select event_id from events")["event_id"].to_pylist())


def refused(settings: Settings, kind: type[TrailError] = TrailError) -> TrailError:
    """Return the error that a pull ends with, having looked for the token in all that it shows."""
    with pytest.raises(kind) as caught:
        pull(settings)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert TOKEN not in shown
    assert caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")
    return caught.value


ALL = sorted(event["id"] for event in EVENTS)

# --- the ask ------------------------------------------------------------------------------------


def test_the_api_is_registered_as_a_feed() -> None:
    assert [feed.name for feed in of_kind(Feed)].count("segment_api") == 1


@pytest.mark.parametrize(("token", "answer"), [("", False), (" \n", False), (TOKEN, True)])
def test_a_token_configures_the_feed(
    using: Callable[..., Settings], token: str, answer: bool
) -> None:
    assert segment_api.LOADER.configured(using(None, token=SecretStr(token))) is answer


def test_each_page_is_requested_as_documented(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    chunks = pull(using(api))
    assert sorted(ids(chunks)) == ALL
    assert len(api.seen) == len(chunks) == 5
    for number, seen in enumerate(api.seen):
        assert seen.query["startTime"] == SINCE
        assert seen.query["endTime"] == UNTIL
        assert seen.query["pagination.count"] == "10"
        assert "pagination=" not in seen.text
        assert ("pagination.cursor=" in seen.text) == (number > 0)
        assert seen.headers["authorization"] == f"Bearer {TOKEN}"
        assert seen.headers["accept"] == "application/vnd.segment.v1+json"
        assert seen.status == 200


def test_the_test_server_refuses_undocumented_requests(api: SegmentApi) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert api.answer("/audit-events?pagination=%7B%22count%22%3A10%7D", headers).status == 422
    assert api.answer("/audit-events?pagination.count=1001", headers).status == 422
    assert api.answer("/audit-events?pagination.count=0", headers).status == 422
    assert api.answer("/audit-events?pagination.cursor=Mw==", headers).status == 422
    assert api.answer("/audit-events?startTime=yesterday", headers).status == 422
    assert api.answer("/audit-events?pagination.count=1000", headers).status == 200
    assert api.answer("/audit-events", {}).status == 401


def test_chunks_contain_the_exact_text_and_continue_the_numbering(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.events = []
    text = '{"id":"a" , "n":1.00,\n "s":"\\u00e9 é \\ud800"}'
    api.always = Answer(200, f' {{"data":{{"events":[ {text} ,null]}}}}\n', {})
    (chunk,) = pull(using(api))
    assert chunk.records.column_names == ["line", "raw", "verified"]
    assert chunk.records.to_pylist() == [
        {"line": 1, "raw": text, "verified": True},
        {"line": 2, "raw": "null", "verified": True},
    ]
    assert (chunk.mark, chunk.progress, chunk.rejects) == ("", 1.0, ())


def test_lines_are_numbered_across_pages(api: SegmentApi, using: Callable[..., Settings]) -> None:
    lines = [line for chunk in pull(using(api)) for line in chunk.records["line"].to_pylist()]
    assert lines == list(range(1, 51))


@pytest.mark.parametrize("total", [True, False])
def test_progress_rises_to_one_and_the_last_cursor_is_empty(
    using: Callable[..., Settings], total: bool
) -> None:
    with SegmentApi(EVENTS, total=total) as api:
        chunks = pull(using(api))
    shares = [chunk.progress for chunk in chunks]
    assert shares == sorted(set(shares))
    assert 0 < shares[0] < shares[-2] < 1 == shares[-1]
    held = [json.loads(chunk.mark or "null") for chunk in chunks]
    assert held[-1] is None
    assert [mark["page"] for mark in held[:-1]] == [1, 2, 3, 4]
    assert {(mark["since"], mark["until"]) for mark in held[:-1]} == {(SINCE, UNTIL)}


@pytest.mark.parametrize("last", [{}, {"next": None}, {"next": ""}])
def test_each_form_of_a_last_page_ends_the_poll(
    using: Callable[..., Settings], last: dict[str, Any]
) -> None:
    with SegmentApi(EVENTS, last=last) as api:
        assert len(pull(using(api))) == 5


def test_an_empty_response_is_one_empty_chunk(store: Store, using: Callable[..., Settings]) -> None:
    with SegmentApi([]) as api:
        (chunk,) = pull(using(api))
        assert (chunk.records.num_rows, chunk.mark, chunk.progress) == (0, "", 1.0)
        assert load(store, using(api)).report()["read"] == 0


@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
@pytest.mark.parametrize("packed", [True, False])
def test_events_in_any_order_are_kept(
    using: Callable[..., Settings], order: str, packed: bool
) -> None:
    with SegmentApi(EVENTS, order=order, packed=packed) as api:
        api.plan(*["shuffle"] * 5)
        assert sorted(ids(pull(using(api)))) == ALL


def test_events_at_both_bounds_are_kept(api: SegmentApi, using: Callable[..., Settings]) -> None:
    ask = Ask(dt.datetime(2026, 11, 1, 8, 0), dt.datetime(2026, 11, 1, 8, 9))
    assert sorted(ids(pull(using(api), ask))) == ALL[:10]


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_events_that_arrive_during_a_poll_lose_no_others(
    store: Store, using: Callable[..., Settings], order: str
) -> None:
    with SegmentApi(EVENTS, order=order) as api:
        api.before_answer = lambda number: api.events.extend(
            api_event(1000 + 3 * number + item) for item in range(3)
        )
        batch = load(store, using(api))
    assert set(ALL) <= set(stored(store))
    assert batch.read == batch.kept + batch.duplicates


def test_a_repeated_page_is_kept_once(
    api: SegmentApi, store: Store, using: Callable[..., Settings]
) -> None:
    api.plan("good", "repeat", "good", "repeat")
    batch = load(store, using(api))
    assert (batch.kept, batch.duplicates, batch.quarantined) == (50, 20, 0)
    assert stored(store) == ALL


# --- what passes --------------------------------------------------------------------------------

PASSING = ["cut", "reset", "json", "no-events", "429", "429-ms", "429-bare", "500", "502", "503"]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("packed", [True, False])
def test_transient_errors_are_retried(
    using: Callable[..., Settings], waits: Waits, fault: str, packed: bool
) -> None:
    with SegmentApi(EVENTS, packed=packed) as api:
        api.plan(fault, "good", fault, fault)
        assert sorted(ids(pull(using(api)))) == ALL
        assert len(api.seen) == 8
    assert len(waits.slept) == 3


def test_a_slow_response_is_retried(api: SegmentApi, using: Callable[..., Settings]) -> None:
    api.plan("good", "slow")
    assert sorted(ids(pull(using(api, timeout_s=0.3)))) == ALL
    assert [seen.fault for seen in api.seen][:3] == ["", "slow", ""]


@pytest.mark.parametrize(
    ("fault", "retry_after", "wait"),
    [("429", "7", 7.0), ("429", "0", 0.5), ("429-ms", "", 3.5), ("503", "", None)],
)
def test_the_retry_delay_of_the_api_is_respected(
    api: SegmentApi,
    using: Callable[..., Settings],
    waits: Waits,
    fault: str,
    retry_after: str,
    wait: float | None,
) -> None:
    api.retry_after = retry_after
    api.plan(*[fault] * 4)
    pull(using(api))
    if wait is None:
        for slept, most in zip(waits.slept, [0.5, 1, 2, 4], strict=True):
            assert 0 <= slept <= most
    else:
        assert waits.slept == [wait] * 4


@pytest.mark.parametrize(
    "retry_after", ["soon", "-1", "1.5", "9" * 5000, "Wed, 25 Nov 2026 07:28:00 GMT"]
)
def test_an_invalid_retry_after_header_uses_backoff(
    api: SegmentApi, using: Callable[..., Settings], waits: Waits, retry_after: str
) -> None:
    api.retry_after = retry_after
    api.plan("429")
    assert sorted(ids(pull(using(api)))) == ALL
    assert waits.slept[0] <= 0.5


@pytest.mark.parametrize("ms", ["soon", None, True, -5, [], 1e300])
def test_an_invalid_delay_in_milliseconds_uses_backoff(
    api: SegmentApi, using: Callable[..., Settings], waits: Waits, ms: Any
) -> None:
    api.always = error(429, "Too many requests", {"msBeforeNext": ms})
    api.before_answer = lambda number: setattr(api, "always", None) if number else None
    pull(using(api))
    assert len(waits.slept) == 1
    assert waits.slept[0] <= 0.5


def test_backoff_is_limited_to_a_minute() -> None:
    assert all(0 <= _segment_http._backoff_s(1000) <= 60 for _ in range(200))
    assert max(_segment_http._backoff_s(1000) for _ in range(200)) > 30


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "status 500"),
        ("json", "truncated response"),
        ("no-events", "truncated response"),
        ("cut", "connection closed"),
        ("429-bare", "rate limit reached (429)"),
    ],
)
def test_retries_end_after_the_time_limit(
    api: SegmentApi, using: Callable[..., Settings], waits: Waits, fault: str, words: str
) -> None:
    api.mix(1, 0, [fault])
    problem = refused(using(api, patience_s=120), UnavailableError)
    assert words in problem.message
    assert "Try again in" in problem.hint
    assert sum(waits.slept) <= 120
    assert len(waits.slept) > 3


def test_a_successful_page_resets_the_retry_time_limit(
    api: SegmentApi, using: Callable[..., Settings], waits: Waits
) -> None:
    api.retry_after = "40"
    api.plan(*itertools.chain.from_iterable([("429", "429", "good")] * 5))
    assert sorted(ids(pull(using(api, patience_s=100)))) == ALL
    assert sum(waits.slept) == 400


def test_a_delay_beyond_the_retry_time_limit_ends_the_poll(
    api: SegmentApi, using: Callable[..., Settings], waits: Waits
) -> None:
    api.retry_after = "3600"
    api.plan("429")
    problem = refused(using(api), UnavailableError)
    assert waits.slept == []
    assert problem.hint == "Try again in 3600 s."


def test_an_unreachable_api_is_reported(using: Callable[..., Settings]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    problem = refused(using(None, url=f"http://127.0.0.1:{port}"), UnavailableError)
    assert "connection failed (Connection refused)" in problem.message


def test_a_slowly_dripping_response_times_out(
    api: SegmentApi, using: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = itertools.count()
    monkeypatch.setattr(_segment_http, "_clock", lambda: next(now) * 100.0)
    assert "response too slow" in refused(using(api, patience_s=50), UnavailableError).message


# --- what does not pass -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (401, "The API token was not accepted.", "segment.region"),
        (403, "The API token lacks permission.", "Workspace Owner"),
        (404, "Segment has no audit trail for this workspace.", "Business plan"),
        (422, "startTime is too far back", "segment"),
        (400, "startTime is too far back", "segment"),
        (413, "startTime is too far back", "segment"),
    ],
)
def test_a_refusal_is_reported_with_a_remedy(
    api: SegmentApi,
    using: Callable[..., Settings],
    waits: Waits,
    status: int,
    message: str,
    hint: str,
) -> None:
    api.always = error(status, "startTime is too far back.")
    problem = refused(using(api), InputError)
    assert message in problem.message
    assert hint in problem.hint
    assert len(api.seen) == 1
    assert waits.slept == []


def test_a_wrong_token_is_refused_by_the_server(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    problem = refused(using(api, token=SecretStr("sgp_another")), InputError)
    assert "not accepted" in problem.message
    assert "sgp_another" not in str(problem)


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '{"errors":5}', '{"errors":[5,{}]}', "[" * 9000, b"\xff"]
)
def test_a_refusal_without_a_message_is_reported(
    api: SegmentApi, using: Callable[..., Settings], body: Any
) -> None:
    api.always = Answer(422, body, {})
    assert refused(using(api), InputError).message.endswith("(422).")


def test_a_token_in_a_response_is_not_shown(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.always = error(422, f"bad\n\x1b[31m {TOKEN} given. " + "x" * 9000)
    message = refused(using(api), InputError).message
    assert "bad [31m … given." in message
    assert len(message) < 400


def test_redirects_are_not_followed(api: SegmentApi, using: Callable[..., Settings]) -> None:
    with SegmentApi(EVENTS) as elsewhere:
        api.always = Answer(302, "", {"Location": f"{elsewhere.url}/audit-events"})
        assert "redirect" in refused(using(api), InputError).message
        assert elsewhere.seen == []


@pytest.mark.parametrize("packed", [True, False])
def test_an_endless_answer_is_refused(
    using: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(_segment_http, "_MAX_BYTES", 1 << 20)
    with SegmentApi(EVENTS, packed=packed) as api:
        api.always = Answer(200, " " * (3 << 20), {})
        assert "more than 1 MiB" in refused(using(api), InputError).message
        assert len(api.seen) == 1


def test_an_unexpected_content_encoding_is_not_decompressed(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.always = Answer(200, "{}", {"Content-Encoding": "zstd"})
    assert "unexpected content encoding" in refused(using(api), UnavailableError).message


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "umlaut-ü", "nul\0"])
def test_a_malformed_token_is_not_sent(
    api: SegmentApi, using: Callable[..., Settings], token: str
) -> None:
    problem = refused(using(api, token=SecretStr(token)), SettingError)
    assert not token or token not in str(problem)
    assert api.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://127.example.com",
        "https://me:word@api.example.com",
        "ftp://127.0.0.1",
        "api.example.com",
        "https://",
        "https://example.com:port",
    ],
)
def test_a_token_is_sent_only_over_https_or_loopback(
    using: Callable[..., Settings], url: str
) -> None:
    assert "segment.url" in refused(using(None, url=url), SettingError).message


@pytest.mark.parametrize(
    ("region", "host"), [("us", "api.segmentapis.com"), ("eu", "eu1.api.segmentapis.com")]
)
def test_each_region_has_its_host(using: Callable[..., Settings], region: str, host: str) -> None:
    with _segment_http.Api(using(None, region=region)) as connection:
        assert connection._client.base_url.host == host
        assert connection._client.base_url.scheme == "https"
        assert TOKEN not in repr(connection) + repr(vars(connection)["_client"].headers)


# --- cursors ------------------------------------------------------------------------------------


def test_a_cursor_loop_is_detected_and_its_page_kept(
    api: SegmentApi, store: Store, using: Callable[..., Settings]
) -> None:
    api.plan("good", "good", "good", "loop")
    with pytest.raises(UnavailableError, match="used before"):
        load(store, using(api))
    assert len(stored(store)) == 40
    mark = cursors.get(store, "segment_api")
    assert json.loads(mark)["page"] == 3
    load(store, using(api), Ask(ASK.since, ASK.until, mark))
    assert stored(store) == ALL
    assert cursors.get(store, "segment_api") == ""


@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_expired_cursor_restarts_the_poll_once(
    api: SegmentApi, store: Store, using: Callable[..., Settings], status: int
) -> None:
    api.cursor_status = status
    api.plan("good", "good", "expired")
    batch = load(store, using(api))
    assert (batch.kept, batch.duplicates, batch.error) == (50, 20, "")
    assert [bool(seen.cursor) for seen in api.seen][:5] == [False, True, True, False, True]
    shares = [chunk.progress for chunk in pull(using(api))]
    assert shares == sorted(shares)


def test_a_cursor_refused_twice_ends_the_poll(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.mix(1, 0, ["expired"])
    assert "twice" in refused(using(api), UnavailableError).message
    assert [bool(seen.cursor) for seen in api.seen] == [False, True, False, True]


def test_progress_does_not_fall_after_a_restart(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.plan("good", "good", "good", "expired")
    chunks = pull(using(api))
    shares = [chunk.progress for chunk in chunks]
    assert shares == sorted(shares)
    assert [line for chunk in chunks for line in chunk.records["line"].to_pylist()] == list(
        range(1, 81)
    )


def test_a_poll_resumes_at_its_cursor(
    api: SegmentApi, store: Store, using: Callable[..., Settings]
) -> None:
    chunks = segment_api.pull(using(api), ASK)
    taken = itertools.islice(chunks, 3)
    pipeline.load(store, Batch("Segment", "segment_api"), taken, using(api).limits)
    del taken
    chunks.close()  # type: ignore[attr-defined]
    assert len(stored(store)) == 30
    mark = cursors.get(store, "segment_api")
    before = len(api.seen)
    batch = load(store, using(api), Ask(ASK.since, ASK.until, mark))
    assert api.seen[before].cursor == json.loads(mark)["cursor"]
    assert all(seen.cursor for seen in api.seen[before:])
    assert (batch.kept, batch.duplicates) == (20, 0)
    assert stored(store) == ALL
    assert cursors.get(store, "segment_api") == ""


@pytest.mark.parametrize(
    "mark",
    [
        "not JSON",
        "[]",
        "null",
        '{"cursor":"Mw=="}',
        json.dumps({"since": SINCE, "until": SINCE, "cursor": "Mw==", "page": 1}),
        json.dumps({"since": SINCE, "until": UNTIL, "cursor": 5, "page": 1}),
    ],
)
def test_a_cursor_of_another_request_restarts_the_poll(
    api: SegmentApi, using: Callable[..., Settings], mark: str
) -> None:
    assert sorted(ids(pull(using(api), Ask(ASK.since, ASK.until, mark)))) == ALL
    assert api.seen[0].cursor == ""


def test_a_cursor_unknown_to_the_api_restarts_the_poll(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    (first,) = itertools.islice(segment_api.pull(using(api), ASK), 1)
    api.plan("expired")
    assert sorted(ids(pull(using(api), Ask(ASK.since, ASK.until, first.mark or "")))) == ALL
    assert [bool(seen.cursor) for seen in api.seen][:4] == [False, True, False, True]


@pytest.mark.parametrize(
    "pagination", [[1], [], "next", {"next": {}}, {"next": False}, {"next": ["Mw=="]}]
)
def test_a_page_with_an_invalid_next_cursor_is_retried(
    api: SegmentApi, using: Callable[..., Settings], pagination: Any
) -> None:
    api.always = Answer(200, {"data": {"events": [], "pagination": pagination}}, {})
    assert "truncated response" in refused(using(api), UnavailableError).message


@pytest.mark.parametrize("pagination", [None, {}, {"totalEntries": "many"}, {"totalEntries": True}])
def test_a_page_without_a_next_cursor_is_the_last(
    api: SegmentApi, using: Callable[..., Settings], pagination: Any
) -> None:
    api.always = Answer(200, {"data": {"events": [EVENTS[0]], "pagination": pagination}}, {})
    (chunk,) = pull(using(api))
    assert (chunk.records.num_rows, chunk.mark, chunk.progress) == (1, "", 1.0)


# --- events that are none -----------------------------------------------------------------------


def test_broken_events_do_not_affect_the_others(
    api: SegmentApi, store: Store, using: Callable[..., Settings]
) -> None:
    api.plan("good", "broken")
    batch = load(store, using(api))
    assert stored(store) == ALL
    assert batch.quarantined == len(BROKEN)
    refusals = quarantine(store, batch)
    raws = {refusal["raw"].decode() for refusal in refusals}
    assert raws == {json.dumps(item) for item in BROKEN}
    assert {refusal["line"] for refusal in refusals} == set(range(21, 21 + len(BROKEN)))


@pytest.mark.parametrize("timestamp", ["yesterday", "", "2026-13-01T00:00:00Z", 5, None])
def test_an_event_with_an_invalid_time_is_quarantined(
    store: Store, using: Callable[..., Settings], timestamp: Any
) -> None:
    with SegmentApi([*EVENTS, api_event(99, timestamp=timestamp)]) as api:
        batch = load(store, using(api))
    assert stored(store) == ALL
    assert batch.quarantined == 1


ODD = {
    "half a pair": '"\\ud800"',
    "no number": "NaN",
    "no end": "-Infinity",
    "many digits": "9" * 5000,
    "far out": "1e9999",
    "zero byte": '"\\u0000"',
    "an object": '{"a": [[]]}',
    "deep": "[" * 200 + "]" * 200,
    "long": f'"{"é" * 600_000}"',
    "escaped": '"\\ud83d\\ude00 \\/"',
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_unusual_event_does_not_affect_the_others(
    api: SegmentApi, store: Store, using: Callable[..., Settings], odd: str
) -> None:
    event = json.dumps(api_event(99, resourceName="?")).replace('"?"', odd)
    body = f'{{"data": {{"events": [{json.dumps(EVENTS)[1:-1]}, {event}], "pagination": {{}}}}}}'
    api.always = Answer(200, body, {})
    batch = load(store, using(api))
    assert set(ALL) <= set(stored(store))
    assert batch.read == batch.kept + batch.quarantined == 51


def test_events_of_the_api_are_signed(
    api: SegmentApi, store: Store, using: Callable[..., Settings]
) -> None:
    load(store, using(api))
    assert store.table("select distinct verified from events").to_pylist() == [{"verified": True}]


# --- all of it ----------------------------------------------------------------------------------


def test_ten_thousand_events_over_an_unreliable_connection_are_kept_once(
    store: Store, using: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    broken = [api_event(20_000 + n, timestamp="no time") for n in range(7)]
    events = [api_event(n) for n in range(10_000)]
    tries = 0
    with SegmentApi([*events, *broken]) as api:
        api.mix(0.2, seed=2, kinds=FAULTS)
        settings = using(api, page_events=100, timeout_s=0.5)
        mark, batches = "", []
        for tries in range(1, 60):
            try:
                batches.append(load(store, settings, Ask(ASK.since, ASK.until, mark)))
                break
            except UnavailableError as problem:
                assert TOKEN not in str(problem)
                mark = cursors.get(store, "segment_api")
        faults = {seen.fault for seen in api.seen}
        asked = len(api.seen)
    assert tries < 59
    assert faults == {"", *FAULTS}
    assert asked > 110
    assert stored(store) == sorted(event["id"] for event in events)
    assert store.table("select count(*) as n from batches").to_pylist() == [{"n": tries}]
    raws = store.table("select distinct raw from quarantine")["raw"].to_pylist()
    assert {json.dumps(item).encode() for item in broken} <= set(raws)
    assert cursors.get(store, "segment_api") == ""
    assert TOKEN not in caplog.text
    assert "retrying" in caplog.text


# --- what is available ---------------------------------------------------------------------------


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_the_oldest_event_and_those_of_the_last_day_are_found(
    using: Callable[..., Settings], order: str, total: bool
) -> None:
    now = dt.datetime(2026, 11, 28, 12)
    ages = [*(dt.timedelta(minutes=n) for n in range(1_200)), dt.timedelta(days=89, hours=7)]
    events = [
        api_event(number) | {"timestamp": f"{now - age:%Y-%m-%dT%H:%M:%S}.000Z"}
        for number, age in enumerate(ages)
    ]
    with SegmentApi(events, order=order, total=total) as api:
        found = segment_api.available(using(api), now)
        assert len(api.seen) <= 16
    assert found.workspace_name == "Example Ltd"
    assert found.oldest == now - ages[-1]
    assert (found.last_day, found.is_exact) == ((1_200, True) if total else (1_000, False))


def test_an_empty_workspace_has_no_oldest_event(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.events = []
    found = segment_api.available(using(api), dt.datetime(2026, 11, 28, 12))
    assert (found.oldest, found.last_day, found.is_exact) == (None, 0, True)


# --- the directory ------------------------------------------------------------------------------

USERS = [
    {"id": f"u{n:03}", "name": f"Person {n}", "email": f"p{n}@example.com", "permissions": []}
    for n in range(450)
]


def test_the_directory_returns_the_workspace_and_its_users(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.users = [*USERS, None, {}, {"id": []}, {"id": "u999", "name": None}]
    api.plan("good", "503", "repeat")
    result = segment_api.directory(using(api))
    assert result.workspace_id == "VWDxzzIpI5"
    assert (result.workspace_name, result.workspace_slug) == ("Example Ltd", "example")
    assert len(result.people) == 451
    assert result.people[0] == Person("users/u000", "Person 0", "p0@example.com")
    assert result.people[-1] == Person("users/u999", "", "")
    assert all(seen.query["pagination.count"] == "200" for seen in api.asked("/users"))


def test_both_forms_of_a_workspace_response_are_read(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.workspace = {"id": "w1", "name": "Other", "slug": "other"}
    result = segment_api.directory(using(api))
    assert (result.workspace_id, result.workspace_name, result.people) == ("w1", "Other", ())


def test_a_refused_directory_request_is_reported(
    api: SegmentApi, using: Callable[..., Settings]
) -> None:
    api.always = error(404, "Not found")
    with pytest.raises(InputError, match="rejected the request \\(404\\): Not found"):
        segment_api.directory(using(api))


# --- cutting ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a":[1}', '{"a":{}}', '{"a":null}', "[]", "5", "[" * 100_000],
)
def test_text_without_the_array_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        split(text.encode(), "a")


def test_elements_keep_their_exact_text() -> None:
    items, rest = split(b' {"a": {"b": [ 1.0 ,{ "x":1e400},[], null]}}', "a", "b")
    assert items == [b"1.0", b'{ "x":1e400}', b"[]", b"null"]
    assert rest == b' {"a": {"b": []}}'


def test_the_default_wait_function_sleeps() -> None:
    # The fixture replaces it; what it replaces is looked at in a fresh copy of the module.
    import importlib.util

    spec = importlib.util.find_spec("loaders._segment_http")
    assert spec and spec.loader
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    assert (fresh._sleep, fresh._clock) == (time.sleep, time.monotonic)
