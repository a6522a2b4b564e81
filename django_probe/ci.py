"""What GitHub gets beside the text report: annotations, and the summary of the step."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from django_probe.formats import BUILT_IN, find_format
from django_probe.outputs import Output
from django_probe.reporting import Report, Reporter

__all__ = ["github_reports"]

SUMMARY_LIMIT = 1024 * 1024
"""Bytes of a step's summary; GitHub throws a longer one away, all of it."""

LEAST = 4096
"""Bytes without which there is no point in beginning."""


def github_reports(
    options: Mapping[str, Any], stderr: TextIO, warn: Callable[[str], None]
) -> Iterator[Report]:
    """Yield what is added to the text report under GitHub Actions, unless ``--no-ci``.

    https://docs.github.com/actions/reference/workflows-and-actions/variables says
    how to know that one runs there. Nobody has asked for these: what cannot be had
    is told by ``warn``, and ends nothing.
    """
    is_text = options.get("format") in (None, "text")
    if os.environ.get("GITHUB_ACTIONS") != "true" or not is_text or options.get("no_ci"):
        return
    yield Report("github", _Commands(stderr), _reporter("github"))
    path = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if not path:
        return
    try:
        room = SUMMARY_LIMIT - _size(path)
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or exc
        warn(f"The summary of this step is left out: {path!r} cannot be written to: {why}.")
        return
    if room < LEAST:
        warn(f"The summary of this step is left out: {path!r} is as long as GitHub allows.")
        return
    yield Report("markdown", _Appended(path), _reporter("markdown", limit=room - 1))


class _Kept(Output):
    """A report that waits in memory until it is whole, to be added to what is there."""

    @property
    def place(self) -> object:
        """Return None: it writes over nothing."""
        return None

    def open(self) -> TextIO:
        """Return where it waits."""
        self._text = io.StringIO()
        return self._text

    def discard(self) -> None:
        """Forget it."""


class _Commands(_Kept):
    """Workflow commands on stderr: GitHub reads them there, and stdout has its report.

    Until they come GitHub is told to take none, for what a probe's subprocess
    writes to stderr by itself passes nobody who could clean it.
    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """

    def __init__(self, stderr: TextIO) -> None:
        self._stderr = stderr
        self._token = secrets.token_hex(16)
        self._resume = f"::{self._token}::\n"

    def __str__(self) -> str:
        return "stderr"

    def open(self) -> TextIO:
        """Stop commands, and return where the report waits."""
        self._write(f"::stop-commands::{self._token}\n")
        return super().open()

    def commit(self) -> None:
        """Let commands in again, and write the report."""
        self._write(self._resume + self._text.getvalue())

    def discard(self) -> None:
        """Let commands in again."""
        with contextlib.suppress(OSError, ValueError):
            self._write(self._resume)

    def _write(self, text: str) -> None:
        self._stderr.write(text)
        self._stderr.flush()


class _Appended(_Kept):
    """A file to which others have written before, and will."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __str__(self) -> str:
        return str(self._path)

    def commit(self) -> None:
        """Add the report at the end."""
        with self._path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(self._text.getvalue() + "\n")


def _reporter(name: str, **options: Any) -> Callable[[TextIO], Reporter]:
    # By its path: a name can be claimed by others, too.
    return partial(find_format(BUILT_IN[name], {}).reporter_class, **options)


def _size(path: str) -> int:
    """Return how long a file is that can be written to.

    Raises:
        OSError, ValueError: it cannot be.
    """
    with Path(path).open("a", encoding="utf-8") as stream:
        return os.fstat(stream.fileno()).st_size
