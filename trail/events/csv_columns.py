"""The columns of a CSV for spreadsheets: harmless texts and local times, a batch at a time.

Arrow columns are looked at as arrays of numbers: SQL for the same costs as much as all the rest of
an export.
"""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trail.core import csv_safety
from trail.storage import timezones
from trail.storage.filters import Window

_QUOTE = "'"
# With which bytes a text may begin that needs care; few others begin with them.
_DOUBTFUL = np.zeros(256, bool)
_DOUBTFUL[[mark.encode()[0] for mark in (*csv_safety.RUN_BY_SPREADSHEETS, _QUOTE)]] = True

_SEPARATORS = [mark.encode() for mark in csv_safety.SEPARATORS]
_RUN_INSIDE = rf"[{''.join(csv_safety.SEPARATORS)}]'*{csv_safety.STARTS}"

_DAY_US = 86_400_000_000
_EPOCH = np.datetime64("1970-01-01", "D")


def _clock() -> npt.NDArray[np.bytes_]:
    """Return the text of each second of a day, with the letter before it."""
    digits = np.array([f"{number:02d}" for number in range(60)], "S2")
    fields = (("t", "S1"), ("hour", "S2"), ("a", "S1"), ("minute", "S2"), ("b", "S1"))
    table = np.empty(86_400, np.dtype([*fields, ("second", "S2")]))
    table["t"], table["a"], table["b"] = b"T", b":", b":"
    table["hour"] = digits[:24].repeat(3_600)
    table["minute"] = np.tile(digits.repeat(60), 24)
    table["second"] = np.tile(digits, 1_440)
    return table.view("S9")


_CLOCK = _clock()
_THOUSAND = np.array([f"{number:03d}" for number in range(1_000)], "S3")


def harmless(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return *batch* with a quote before each text that a spreadsheet would run as a formula."""
    for index, column in enumerate(batch.columns):
        if pa.types.is_string(column.type) and _has_doubtful(column):
            name = batch.schema.field(index).name
            batch = batch.set_column(index, name, _neutralized(column))
    return batch


def _has_doubtful(column: pa.StringArray) -> bool:
    _, starts, data = column.buffers()
    if not data:
        return False
    # An empty text, or a null, has the first byte of another; that costs only a closer look.
    first = np.frombuffer(starts, np.int32)[column.offset : column.offset + len(column)]
    if _DOUBTFUL[np.frombuffer(data, np.uint8).take(first, mode="clip")].any():
        return True
    content = data.to_pybytes()
    if not any(mark in content for mark in _SEPARATORS):
        return False
    return bool(pc.any(pc.match_substring_regex(column, _RUN_INSIDE)).as_py())


def _neutralized(column: pa.StringArray) -> pa.StringArray:
    encoded = column.dictionary_encode()
    texts = [csv_safety.harmless(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(encoded.indices)


def local_iso(moment: dt.datetime, zone: ZoneInfo) -> str:
    """Return *moment* (UTC, without zone) as ISO 8601 text with microseconds in *zone*."""
    text = moment.replace(tzinfo=dt.UTC).astimezone(zone).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z") if zone.key == "UTC" else text


class LocalTimes:
    """Times as ISO 8601 text with microseconds in one zone, fast within one window."""

    def __init__(self, zone: ZoneInfo, window: Window) -> None:
        """Prepare for times in *window*, which has both ends."""
        assert window.start and window.end
        self._zone, ends = zone, np.array([window.start, window.end], "datetime64[us]")
        self._start, self._end = ends.astype(np.int64)
        known = timezones.offsets(zone, window.start, window.end)
        starts = [start for start, _ in known[1:]]
        self._changes = np.array(starts, "datetime64[us]").astype(np.int64)
        self._offsets = np.array([seconds for _, seconds in known], np.int64) * 1_000_000
        suffixes = [timezones.suffix(zone, seconds) for _, seconds in known]
        self._suffixes = np.array(suffixes, f"S{len(suffixes[0])}")
        self._row = np.dtype(
            [
                *(("day", "S10"), ("clock", "S9"), ("dot", "S1")),
                *(("milli", "S3"), ("micro", "S3"), ("suffix", self._suffixes.dtype)),
            ]
        )

    def texts(self, column: pa.TimestampArray) -> pa.StringArray:
        """Return the times of *column* (UTC, microseconds, without nulls) as text."""
        utc = column.cast(pa.int64()).to_numpy()
        places = np.searchsorted(self._changes, utc, side="right")
        moments = utc + self._offsets[places]
        days, rest = _divided(moments, _DAY_US)
        seconds, micros = _divided(rest, 1_000_000)
        millis, micros = _divided(micros, 1_000)
        rows = np.empty(len(utc), self._row)
        rows["day"] = self._days(days)
        rows["clock"] = _CLOCK[seconds]
        rows["dot"] = b"."
        rows["milli"] = _THOUSAND[millis]
        rows["micro"] = _THOUSAND[micros]
        rows["suffix"] = self._suffixes[places]
        width = self._row.itemsize
        starts = np.arange(len(utc) + 1, dtype=np.int32) * width
        buffers = [None, pa.py_buffer(starts), pa.py_buffer(rows.view(np.uint8))]
        texts = pa.Array.from_buffers(pa.string(), len(utc), buffers)
        # Such as events that are dated in the future, which are few.
        outside = (utc < self._start) | (utc >= self._end)
        if not outside.any():
            return texts
        moments = column.filter(pa.array(outside)).to_pylist()
        exact = [local_iso(moment, self._zone) for moment in moments]
        return pc.replace_with_mask(texts, pa.array(outside), pa.array(exact, pa.string()))

    def _days(self, days: npt.NDArray[np.int64]) -> npt.NDArray[np.bytes_]:
        if not len(days):
            return np.zeros(0, "S10")
        first, last = int(days.min()), int(days.max())
        names = (_EPOCH + np.arange(first, last + 1)).astype("S10")
        found: npt.NDArray[np.bytes_] = names[days - first]
        return found


def _divided(
    values: npt.NDArray[np.int64], by: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    # The same as `divmod`, in a third of the time.
    whole = values // by
    return whole, values - whole * by
