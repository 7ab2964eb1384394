"""The server log: one line per event on standard error, from any library.

The format is text for people or JSON for log collectors (`server.log_format`). Client text in a
message or traceback cannot start a line that looks like another event.
"""

import contextlib
import datetime as dt
import json
import logging
import sys
import threading
import types
from collections.abc import Iterator
from typing import Literal

Kind = Literal["text", "json"]

_log = logging.getLogger("trail")


class TextLines(logging.Formatter):
    """Time with offset, level, logger and message; the lines of a traceback are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as text."""
        at = dt.datetime.fromtimestamp(record.created).astimezone()
        head = f"{at.isoformat(sep=' ', timespec='milliseconds')} {record.levelname} {record.name}"
        lines = [f"{head}: {_escaped(_message(record))}"]
        lines += [f"    {_escaped(line)}" for line in _details(self, record).split("\n") if line]
        return "\n".join(lines)


class JsonLines(logging.Formatter):
    """One JSON object: `time` (ISO 8601, UTC), `level`, `logger`, `message`, maybe `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as ASCII, so that its content cannot end the line."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        event = {
            "time": f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if details := _details(self, record):
            event["exception"] = details
        return json.dumps(event)


_FORMATTERS: dict[Kind, type[logging.Formatter]] = {"text": TextLines, "json": JsonLines}


@contextlib.contextmanager
def configured(kind: Kind) -> Iterator[None]:
    """Write all events as *kind* during the block, including uncaught errors and warnings.

    With text, an existing logging configuration is kept; JSON replaces it. Blocks can be nested,
    which removes handlers that libraries imported in between have added.
    """
    root = logging.getLogger()
    if any(isinstance(item.formatter, _OURS) for item in root.handlers):
        _detach()
        yield
        return
    if kind == "text" and root.handlers:
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_FORMATTERS[kind]())
    before = root.handlers[:], logging.getLoggerClass(), sys.excepthook, threading.excepthook
    root.handlers[:] = [handler]
    _log.setLevel(logging.INFO)
    own = _detach()
    logging.setLoggerClass(_without_own_output(before[1]))
    logging.captureWarnings(True)
    sys.excepthook, threading.excepthook = _log_error, _log_thread_error
    try:
        yield
    finally:
        root.handlers[:], _, sys.excepthook, threading.excepthook = before
        logging.setLoggerClass(before[1])
        logging.captureWarnings(False)
        for logger, handlers, propagates in own:
            logger.handlers[:], logger.propagate = handlers, propagates


_OURS = tuple(_FORMATTERS.values())


def _detach() -> list[tuple[logging.Logger, list[logging.Handler], bool]]:
    """Make all loggers write through the root only; return their previous state."""
    known = list(logging.Logger.manager.loggerDict.values())
    loggers = [item for item in known if isinstance(item, logging.Logger)]
    before = [(item, item.handlers[:], item.propagate) for item in loggers]
    for item in loggers:
        item.handlers.clear()
        item.propagate = True
    return before


def _without_own_output(base: type[logging.Logger]) -> type[logging.Logger]:
    """Return a class for loggers created later, such as by a library imported on demand."""

    class Logger(base):  # type: ignore[misc, valid-type]
        def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
            logging.getLogger().callHandlers(record)

    return Logger


def _log_error(
    kind: type[BaseException], error: BaseException, trace: types.TracebackType | None
) -> None:
    _log.critical("Uncaught error", exc_info=(kind, error, trace))


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread else "a thread"
        _log.critical(
            "Uncaught error in %s",
            name,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a wrong argument; logging itself would print several lines
        return f"{record.msg} {record.args!r}"


def _details(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return traceback and stack of *record*, or an empty string."""
    parts = [record.exc_text or ""]  # truncated by the limit of the log
    if record.exc_info and not record.exc_text:
        parts = [formatter.formatException(record.exc_info)]
    return "\n".join(filter(None, [*parts, record.stack_info or ""]))


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
