"""One child process, measured from outside; many, interleaved."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

__all__ = ["Contender", "Failed", "Figures", "Sample", "measure", "race"]

LIMIT = 1800.0
"""Seconds after which a child is killed."""


class Failed(Exception):
    """A child ended in a way, or wrote something, that it should not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to run the probes of a project."""

    name: str
    argv: tuple[str, ...]
    """Without the interpreter."""
    needs: str = ""
    """A top-level module that it cannot do without."""
    proof: str = ""
    """A pattern that its output holds when it has done its work."""
    proofs: int = 1
    """How many lines must match."""
    codes: tuple[int, ...] = (0,)
    """Exit codes it may end with."""
    warm_up: tuple[str, ...] | None = None
    """What to run before, in place of the command itself: pyc files are written then."""
    peer: bool = False
    """Somebody else's: measured in fewer rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one child took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, of the child and of all that it has waited for."""
    peak: float
    """MiB, the child's own ``ru_maxrss``."""
    code: int


@dataclass(slots=True)
class Figures:
    """What several rounds of one contender took."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Return the lowest CPU time, in seconds: load can only add to it."""
        return min(sample.cpu for sample in self.samples)

    @property
    def wall(self) -> float:
        """Return the lowest time by the clock, in seconds."""
        return min(sample.wall for sample in self.samples)

    @property
    def peak(self) -> float:
        """Return the median of the peak memory, in MiB."""
        return median(sample.peak for sample in self.samples)

    @property
    def spread(self) -> float:
        """Return how far the median CPU time lies above the lowest, as a fraction of it."""
        return median(sample.cpu for sample in self.samples) / self.cpu - 1


def measure(
    argv: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    output: Path,
    limit: float = LIMIT,
) -> Sample:
    """Run a command in a folder; return what it took.

    ``ru_maxrss`` of a child begins with the peak of the process that starts it,
    so this process must stay smaller than what it measures.

    Args:
        output: takes what the command writes to stdout and stderr.
        limit: seconds after which it is killed: its code is -9 then.
    """
    with output.open("wb") as stream:
        began = time.monotonic()
        child = subprocess.Popen(
            argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
        killer = threading.Timer(limit, child.kill)
        killer.start()
        _, code, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        killer.cancel()
    child.returncode = os.waitstatus_to_exitcode(code)
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall=wall, cpu=cpu, peak=usage.ru_maxrss / 1024, code=child.returncode)


def race(
    contenders: Sequence[Contender],
    *,
    python: str,
    folder: Path,
    env: Mapping[str, str],
    rounds: int,
    peer_rounds: int,
    warm: bool = True,
) -> dict[str, Figures]:
    """Run contenders in interleaved rounds; return the figures by name.

    What slows the machine down for a while so meets all of them. A peer that
    does not work here is told, and has no samples.

    Raises:
        Failed: one that is no peer did not do its work.
    """
    figures = {contender.name: Figures() for contender in contenders}
    output = folder / "output.txt"
    for number in range(0 if warm else 1, rounds + 1):
        for contender in contenders:
            if contender.name not in figures or (contender.peer and number > peer_rounds):
                continue
            argv = contender.warm_up if number == 0 and contender.warm_up else contender.argv
            sample = measure([python, *argv], folder=folder, env=env, output=output)
            print(f"  {_told(number)}, {contender.name}: {sample.cpu:.2f} s", file=sys.stderr)
            if number:
                _keep(figures, contender, sample, output)
    return figures


def _keep(figures: dict[str, Figures], contender: Contender, sample: Sample, output: Path) -> None:
    try:
        _hold(contender, sample, output)
    except Failed as exc:
        if not contender.peer:
            raise
        print(exc, file=sys.stderr)
        del figures[contender.name]
    else:
        figures[contender.name].samples.append(sample)


def _told(number: int) -> str:
    return f"round {number}" if number else "warm-up"


def _hold(contender: Contender, sample: Sample, output: Path) -> None:
    """Refuse a measurement of something that did not do its work."""
    if not contender.proof and sample.code in contender.codes:
        return
    pattern = re.compile(contender.proof)
    with output.open(encoding="utf-8", errors="replace") as stream:
        # Line by line: a whole report in memory would count as the peak of the next child.
        found = sum(1 for line in stream if pattern.search(line))
    if sample.code in contender.codes and found >= contender.proofs:
        return
    with output.open(encoding="utf-8", errors="replace") as stream:
        head = stream.read(2000)
    raise Failed(
        f"{contender.name!r} ended with {sample.code}, and {found} lines match"
        f" {contender.proof!r}; expected one of {contender.codes}, and {contender.proofs}."
        f" Its output begins:\n{head}"
    )
