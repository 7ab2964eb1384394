"""A limit on the log: repeated messages are counted instead of written, long ones are cut.

Installed on every logger, so that no client can fill a disk by making the server log.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MINUTE = 60.0
_MAX_MESSAGE, _MAX_TRACEBACK = 4_096, 8_192  # characters of one record
_MAX_TEMPLATES = 1_000
_KEY_LENGTH = 80
_LINE_OVERHEAD = 100  # characters of the time, the level and the logger's name


@dataclass(slots=True)
class _Counted:
    """What one message, or all of a severity, did in the current minute."""

    since: float
    written: int = 0
    suppressed: int = 0


_Key = tuple[str, int, str]


class LogLimit(logging.Filter):
    """Passes *per_message* records a minute of the same message, and *per_minute* bytes in all.

    Errors have a budget of bytes of their own, so that warnings cannot hide them. What was
    suppressed is reported once, by the first record after the minute or by `report`.
    """

    def __init__(
        self, per_message: int, per_minute: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._per_message, self._per_minute, self._clock = per_message, per_minute, clock
        self._messages: dict[_Key, _Counted] = {}
        self._sizes: dict[bool, _Counted] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write *record*; cut it if it is long."""
        if getattr(record, "is_summary", False):
            return True
        key = (record.name, record.levelno, str(record.msg)[:_KEY_LENGTH])
        with self._lock:
            due = self._due()
            passes = self._count(key, record)
        _write(due)
        return passes

    def report(self) -> None:
        """Write the summaries of past minutes."""
        with self._lock:
            due = self._due()
        _write(due)

    def _count(self, key: _Key, record: logging.LogRecord) -> bool:
        now = self._clock()
        if key not in self._messages and len(self._messages) >= _MAX_TEMPLATES:
            key = (record.name, record.levelno, "other messages")
        counted = self._messages.setdefault(key, _Counted(now))
        sizes = self._sizes.setdefault(record.levelno >= logging.ERROR, _Counted(now))
        if counted.written >= self._per_message or sizes.written >= self._per_minute // 2:
            counted.suppressed += 1
            return False
        counted.written += 1
        sizes.written += _cut(record)
        return True

    def _due(self) -> list[tuple[_Key, int]]:
        """Forget past minutes; return what they suppressed."""
        start = self._clock() - _MINUTE
        for severe in [severe for severe, counted in self._sizes.items() if counted.since <= start]:
            del self._sizes[severe]
        past = [key for key, counted in self._messages.items() if counted.since <= start]
        gone = [(key, self._messages.pop(key).suppressed) for key in past]
        return [(key, count) for key, count in gone if count]


def _write(due: list[tuple[_Key, int]]) -> None:
    for (name, level, message), count in due:
        logging.getLogger(name).log(
            level,
            "%s more suppressed within a minute: %s",
            count,
            message.partition("\n")[0],
            extra={"is_summary": True},
        )


def _cut(record: logging.LogRecord) -> int:
    """Cut the message and the traceback of *record*; return its size in characters."""
    try:
        message = record.getMessage()
    except Exception:  # as logging itself, which prints the error of a wrong argument
        return _LINE_OVERHEAD
    if len(message) > _MAX_MESSAGE:
        message = message[:_MAX_MESSAGE] + "… (cut)"
        record.msg, record.args = message, None
    traceback = ""
    if record.exc_info:
        traceback = logging.Formatter().formatException(record.exc_info)
        if len(traceback) > _MAX_TRACEBACK:
            half = _MAX_TRACEBACK // 2
            traceback = f"{traceback[:half]}\n… (cut)\n{traceback[-half:]}"
        record.exc_text = traceback  # formatters use it instead of formatting again
    return len(message) + len(traceback) + _LINE_OVERHEAD


@contextlib.contextmanager
def installed(limit: LogLimit) -> Iterator[None]:
    """Limit all loggers of this process, also those that are created inside the block."""
    before = logging.getLoggerClass()

    class LimitedLogger(before):  # type: ignore[misc, valid-type]
        def __init__(self, name: str, level: int = logging.NOTSET) -> None:
            super().__init__(name, level)
            self.addFilter(limit)

    logging.setLoggerClass(LimitedLogger)
    for logger in _loggers():
        logger.addFilter(limit)
    try:
        yield
    finally:
        logging.setLoggerClass(before)
        for logger in _loggers():
            logger.removeFilter(limit)


def _loggers() -> list[logging.Logger]:
    known = list(logging.Logger.manager.loggerDict.values())
    return [logging.getLogger(), *(item for item in known if isinstance(item, logging.Logger))]
