"""Rows on streaming into a pipe: how long until a finished probe's line can be read."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks import contenders, projects
from benchmarks.lab import Lab, Row
from benchmarks.measuring import Contender, Failed
from benchmarks.projects import Project

__all__ = ["streaming"]

NAMES = ("first", "second", "third")
"""``test_000`` to ``test_002``: the second and third are slow."""
LIMIT = 60.0


def streaming(lab: Lab) -> Iterator[Row]:
    """How long a result waits in a buffer while the next probe runs."""
    print("streaming", file=sys.stderr)
    slow = f"time.sleep({lab.scale.slow})"
    bodies = [projects.stamped(name, "pass" if name == "first" else slow) for name in NAMES]
    project = lab.project(bodies)
    plugin = ("-p", "pytest_tap.plugin", "--tap")
    peers = [
        contenders.tap_runner(project),
        contenders.pytest(project, "-vv"),
        contenders.pytest(project, *plugin),
    ]
    waits = {peer.name: _peer(lab, project, peer) for peer in peers}
    for name in ("text", "tap", "jsonl"):
        own = contenders.ours(project, name, *(["-v", "2"] if name == "text" else []))
        yield Row(
            what=f"streaming into a pipe, {name}",
            budget=0.5,
            value=_longest_wait(lab, project, own),
            unit="s until readable",
            peers=dict(waits),
            note=f"the longest of {len(NAMES)} probes, two take {lab.scale.slow:g} s",
        )


def _peer(lab: Lab, project: Project, peer: Contender) -> float | str:
    if not lab.is_absent(peer):
        try:
            return _longest_wait(lab, project, peer)
        except Failed as exc:
            print(exc, file=sys.stderr)
            lab.absent[peer.name] = "does not work here"
    return lab.why_not(peer.name)


def _longest_wait(lab: Lab, project: Project, contender: Contender) -> float:
    """Return the seconds from a probe's end to its line at the pipe, at most."""
    project.stamps.unlink(missing_ok=True)
    lines = _read_with_times(lab, project, contender)
    seen = [_seen(lines, f"test_{number:03}", contender) for number, _ in enumerate(NAMES)]
    stamps = [line.split() for line in project.stamps.read_text().splitlines()]
    ended = {name: float(at) for name, what, at in stamps if what == "ended"}
    return max(at - ended[name] for at, name in zip(seen, NAMES, strict=True))


def _read_with_times(lab: Lab, project: Project, contender: Contender) -> list[tuple[float, str]]:
    child = subprocess.Popen(
        [lab.python, *contender.argv],
        cwd=project.folder,
        env=lab.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    with child.stdout:
        lines = [(time.monotonic(), line) for line in child.stdout]
    child.wait(LIMIT)
    return lines


def _seen(lines: list[tuple[float, str]], method: str, contender: Contender) -> float:
    for at, line in lines:
        if method in line and '"probe_started"' not in line:
            return at
    told = "".join(line for _, line in lines)
    raise Failed(f"{contender.name!r} never told {method!r}:\n{told[:2000]}")
