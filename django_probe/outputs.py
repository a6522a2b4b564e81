"""Where reports go: stdout, or a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from django_probe.exceptions import OutputError

__all__ = ["FileOutput", "Output", "StreamOutput", "mend_descriptors", "own_stdout"]

BUFFER = 128 * 1024
"""Bytes that are written to a file at once; Python's 8 KiB are some twenty results."""
BY_LINES = 1
"""The same for a pipe or a device: who reads it sees a result as soon as it is written."""


class Output:
    """A place for one report: opened before anything runs, then committed or discarded."""

    @property
    def place(self) -> object:
        """Return what two outputs have in common that would write over each other."""
        return self

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
    """A stream that belongs to somebody else: flushed, never closed.

    Args:
        stream: None where stdout is closed: it is told when it is opened.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __str__(self) -> str:
        return "stdout"

    @property
    def place(self) -> object:
        """Return the stream."""
        return id(self._stream)

    def open(self) -> TextIO:
        """Return the stream."""
        if self._stream is None:
            raise OutputError("stdout is closed, expected it open: use --output FILE instead.")
        return self._stream

    def commit(self) -> None:
        """Flush."""
        if self._stream is not None:
            self._stream.flush()

    def discard(self) -> None:
        """Leave the stream: what was written cannot be taken back."""


class FileOutput(Output):
    """A file, written beside its place and moved there when it is whole.

    A device or a pipe is written to as it is: it cannot be replaced. A link
    stays a link: what it points to is replaced.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        # Now: a probe module may change the working directory before it is opened.
        self._absolute = self.path.absolute()
        self._beside: Path | None = None

    def __str__(self) -> str:
        return str(self.path)

    @property
    def place(self) -> object:
        """Return the real path, None for what any number of reports may share."""
        real = os.path.realpath(self._absolute)
        return None if real == os.devnull else real

    def open(self) -> TextIO:
        """Create missing folders and open a file beside the path."""
        try:
            return self._open()
        except (OSError, ValueError) as exc:  # ValueError: a null character in the path.
            raise OutputError(
                f"Cannot write a report to {str(self.path)!r}: {_why(exc, self.path)}:"
                " give another path."
            ) from exc

    def commit(self) -> None:
        """Close the file and move it into place."""
        self._stream.close()
        if self._beside is not None:
            self._beside.replace(self._real)

    def discard(self) -> None:
        """Close and remove the unfinished file; an older report stays as it was."""
        with contextlib.suppress(OSError):
            self._stream.close()
        if self._beside is not None:
            with contextlib.suppress(OSError):
                self._beside.unlink()

    def _open(self) -> TextIO:
        path = self._absolute
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder", str(path))
        self._real = Path(os.path.realpath(path))
        if path.exists() and not (path.is_file() and self._real.is_file()):
            self._stream = path.open("w", BY_LINES, encoding="utf-8", newline="\n")
            return self._stream
        self._real.parent.mkdir(parents=True, exist_ok=True)
        beside = self._real.with_name(f".{self._real.name[:40]}.{uuid.uuid4().hex[:8]}.tmp")
        self._stream = beside.open("x", BUFFER, encoding="utf-8", newline="\n")
        self._beside = beside
        return self._stream


@contextlib.contextmanager
def own_stdout(*, for_good: bool = False) -> Iterator[TextIO | None]:
    """Give file descriptor 1 to the report alone, and stderr to all others.

    While it lasts, whatever is written to stdout by anything but the stream
    that this yields (``print``, a log handler bound to ``sys.stdout``, a
    subprocess, ``os.write(1, …)``) comes out on stderr. Where ``sys.stdout``
    has been replaced (a test, a notebook), the replacement is yielded as it is;
    where it is closed, None.

    Args:
        for_good: leave it so, for a process that ends soon: what its last
            threads and exit handlers print must not get behind the report.
    """
    if not _is_descriptor_1(sys.stdout):
        yield sys.stdout
        return
    # Not flushed first: what was printed before the command began, and still
    # waits in the buffer, must not get in front of the report.
    kept = os.dup(1)
    _put_stderr_on_1()
    buffering = BUFFER if stat.S_ISREG(os.fstat(kept).st_mode) else BY_LINES
    report = os.fdopen(kept, "w", buffering, encoding="utf-8", newline="\n", errors="replace")
    try:
        yield report
    finally:
        for stream in (sys.stdout, report):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        if not for_good:
            os.dup2(kept, 1)
        with contextlib.suppress(OSError):
            report.close()


def mend_descriptors() -> None:
    """Put the null device on each standard descriptor that is closed.

    Else the next file that is opened (a database, say) takes its number, and
    whatever is printed goes into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # The lowest free number: this one.
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _put_stderr_on_1() -> None:
    try:
        os.dup2(2, 1)
    except OSError:  # stderr is closed.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)


def _is_descriptor_1(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 1
    except (OSError, ValueError):
        return False


def _why(exc: OSError | ValueError, path: Path) -> str:
    if isinstance(exc, FileExistsError):
        return f"{str(path.parent)!r} is no folder"
    return (isinstance(exc, OSError) and exc.strerror) or str(exc)
