"""Tracebacks for a person: the frames of libraries folded, those of the user kept."""

from __future__ import annotations

import os
import re
from pathlib import Path

import django_probe.reporting

__all__ = ["fold"]

_HEADER = re.compile(
    r"[ |+]*(?:Exception Group )?(?:Traceback|Where it was) \(most recent call last\):$"
)
_FRAME = re.compile(r'(?P<lead>[ |]*)  File "(?P<file>[^"]+)", line \d+')
_LIBRARY = re.compile(
    r"[\\/](?:site|dist)-packages[\\/]|[\\/]lib(?:64)?[\\/]python3[\d.]*t?[\\/]|^<frozen "
)
_OURS = tuple(
    f"{Path(file).parent}{os.sep}" for file in (os.__file__, django_probe.reporting.__file__)
)


def fold(traceback: str, source: str) -> str:
    """Return a traceback with each run of library frames folded into one line.

    What is no frame stays as it is. Where only libraries are on the way, all
    of it stays: something must say where it happened.

    Args:
        traceback: as Python writes it, sections and groups of exceptions included.
        source: ``file:line`` of the probe; its file is the user's, wherever it is installed.
    """
    own = source.rpartition(":")[0]
    told: list[str] = []
    kept = folded = 0
    run: list[str] = []
    for lead, lines in _parts(traceback):
        if lead is not None and _is_library(lines[0], own):
            run.append(lead)
            folded += 1
            continue
        told += [*_line_for(run), *lines]
        run = []
        kept += lead is not None
    return "\n".join(told + _line_for(run)) if folded and kept else traceback


def _parts(traceback: str) -> list[tuple[str | None, list[str]]]:
    """Return (indentation, lines) for each frame, (None, lines) for what is between frames."""
    parts: list[tuple[str | None, list[str]]] = []
    inside = False
    for line in traceback.split("\n"):
        inside = inside or _HEADER.match(line) is not None
        frame = _FRAME.match(line) if inside else None
        lead = parts[-1][0] if parts else None
        if frame:
            parts.append((frame["lead"], [line]))
        elif lead is not None and line.startswith((f"{lead}    ", f"{lead}  [Previous line")):
            parts[-1][1].append(line)
        else:
            # The message of the exception may look like a frame: only a header starts anew.
            inside = _HEADER.match(line) is not None
            parts.append((None, [line]))
    return parts


def _is_library(line: str, own: str) -> bool:
    frame = _FRAME.match(line)
    file = frame["file"] if frame else ""
    if own and (file == own or file.endswith((f"/{own}", f"\\{own}"))):
        return False
    return file.startswith(_OURS) or _LIBRARY.search(file) is not None


def _line_for(run: list[str]) -> list[str]:
    if not run:
        return []
    noun = "frame" if len(run) == 1 else "frames"
    return [f"{run[0]}  … {len(run)} library {noun}, shown with -v 2"]
