"""Commands of the product run in the process of the tests, which saves a second each."""

import contextlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

from trail.cli.main import main


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    stdin_text: str = "",
) -> tuple[object, str, str]:
    """Run a command as if it started in *folder*; return its exit code, output and messages."""
    message, remarks, before = io.StringIO(), io.StringIO(), dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        with (
            contextlib.chdir(folder),
            mock.patch.object(sys, "stdin", io.StringIO(stdin_text)),
            contextlib.redirect_stdout(message),
            contextlib.redirect_stderr(remarks),
        ):
            try:
                code: object = main(list(arguments))
            except SystemExit as wrong_usage:
                code = wrong_usage.code
    finally:
        os.environ.clear()
        os.environ.update(before)
    return code, message.getvalue(), remarks.getvalue()
