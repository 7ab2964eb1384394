"""Errors that say what, where, and what to do next.

Three branches: `InputError` will not pass when tried again, `UnavailableError` may, and
`IntegrityError` is for a person to look into. The message is
written for the person who reads it on a page or in a terminal: no internal paths, SQL or secrets.
"""


class TrailError(Exception):
    """Base of every error that a person may see; `hint` is the next step."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message and the hint as one line."""
        return f"{self.message} {self.hint}".strip()


class InputError(TrailError):
    """What was given is wrong and will stay wrong: a file, a record, a query."""


class SettingError(InputError):
    """A setting is missing, unknown, or out of its range."""


class FilterError(InputError):
    """A query string that cannot be read as a filter."""


class LoadLimitError(InputError):
    """A file breaks a limit: line length, depth, or expansion."""


class MappingNeededError(InputError):
    """A table whose columns cannot be guessed; the hint asks the question."""


class UnavailableError(TrailError):
    """Something is busy, locked, full or stopping; the same call may pass later."""


class OverloadError(UnavailableError):
    """Too many requests at once; `own` if they are those of the same user or API token."""

    retry_after_s = 5

    def __init__(self, message: str, hint: str = "", *, own: bool) -> None:
        super().__init__(message, hint)
        self.own = own


class StoppedError(UnavailableError):
    """The request has ended before its result was there: the client left, or a newer run began."""


class BusyError(UnavailableError):
    """Another process has the database open."""


class IntegrityError(TrailError):
    """What is kept does not match its seals, or the seals do not match each other."""
