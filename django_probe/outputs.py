"""Where reports go: stdout, or a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from django_probe.exceptions import OutputError

__all__ = ["FileOutput", "Output", "StreamOutput", "own_stdout"]


class Output:
    """A place for one report: opened before anything runs, then committed or discarded."""

    def open(self) -> TextIO:
        """Return the stream to write to.

        Raises:
            OutputError: it cannot be written to.
        """
        raise NotImplementedError

    def commit(self) -> None:
        """Make the report visible, whole."""
        raise NotImplementedError

    def discard(self) -> None:
        """Give the report up; nothing of it stays where something can be taken back."""
        raise NotImplementedError


class StreamOutput(Output):
    """A stream that belongs to somebody else: flushed, never closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __str__(self) -> str:
        return "stdout"

    def open(self) -> TextIO:
        """Return the stream."""
        return self._stream

    def commit(self) -> None:
        """Flush."""
        self._stream.flush()

    def discard(self) -> None:
        """Leave the stream: what was written cannot be taken back."""


class FileOutput(Output):
    """A file, written beside its place and moved there when it is whole."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._in_place = False

    def __str__(self) -> str:
        return str(self.path)

    def open(self) -> TextIO:
        """Create missing folders and open a file beside the path.

        A device or a pipe is written to as it is: it cannot be replaced.
        """
        try:
            if self.path.is_dir():
                raise IsADirectoryError(21, "is a folder", str(self.path))
            self._in_place = self.path.exists() and not self.path.is_file()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
            target = self.path if self._in_place else self._beside
            self._stream = target.open("w", encoding="utf-8", newline="\n")
        except OSError as exc:
            raise OutputError(
                f"Cannot write a report to {str(self.path)!r}: {exc.strerror or exc}:"
                " give another path."
            ) from exc
        return self._stream

    def commit(self) -> None:
        """Close the file and move it into place."""
        self._stream.close()
        if not self._in_place:
            self._beside.replace(self.path)

    def discard(self) -> None:
        """Close and remove the unfinished file; an older report stays as it was."""
        with contextlib.suppress(OSError):
            self._stream.close()
        if not self._in_place:
            with contextlib.suppress(OSError):
                self._beside.unlink()


@contextlib.contextmanager
def own_stdout() -> Iterator[TextIO]:
    """Give file descriptor 1 to the report alone, and stderr to all others.

    While it lasts, whatever is written to stdout by anything but the stream
    that this yields (``print``, a log handler bound to ``sys.stdout``, a
    subprocess, ``os.write(1, …)``) comes out on stderr. Where ``sys.stdout``
    has been replaced (a test, a notebook), the replacement is yielded as it is.

    Raises:
        OutputError: stdout is closed.
    """
    if sys.stdout is None:
        raise OutputError("stdout is closed, expected it open: use --output FILE instead.")
    if not _is_descriptor(sys.stdout, 1) or not _is_descriptor(sys.stderr, 2):
        yield sys.stdout
        return
    # Not flushed first: what was printed before the command began, and still
    # waits in the buffer, must not get in front of the report.
    kept = os.dup(1)
    os.dup2(2, 1)
    report = open(kept, "w", encoding="utf-8", newline="\n", errors="replace")  # noqa: SIM115
    try:
        yield report
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        with contextlib.suppress(OSError):
            report.flush()
        os.dup2(kept, 1)
        with contextlib.suppress(OSError):
            report.close()


def _is_descriptor(stream: TextIO | None, number: int) -> bool:
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError):
        return False
