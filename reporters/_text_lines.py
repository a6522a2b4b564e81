"""Lines of the text report while it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_progress import Group, Progress
from django_probe.reporters._text_words import clock, count, counted, joined, seconds, short, told
from django_probe.results import Counts, Outcome

__all__ = ["class_line", "counter", "failure_heading", "failure_line", "heading", "still_line"]


def heading(run: RunStarted, look: Look) -> str:
    """Return what is asked, and of whom."""
    return f"{' · '.join(_heading(run, look))}\n\n"


def _heading(run: RunStarted, look: Look) -> Iterator[str]:
    what = "probes" if run.planned is None else count(run.planned, "probe")
    labels = f" of {short(joined(run.labels), 200)}" if run.labels else ""
    yield look.paint("bold", f"Running {what}{labels}")
    if run.release:
        yield f"release {short(run.release)}"
    if run.instance:
        yield f"on {short(run.instance, 80)}"
    if look.named_targets:
        yield f"{count(len(look.targets), 'target')}: {short(joined(look.named_targets), 200)}"
    if run.seed is not None:
        yield f"shuffled, seed {run.seed}"
    if look.verbosity >= 3:
        yield f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"run {short(run.run_id, 40)}"


def class_line(group: Group, progress: Progress, look: Look) -> str:
    """Return what came of a class."""
    counts = Counts(outcomes=group.others + Counter({Outcome.PASSED: group.passed}))
    name = look.name(group.name, group.target)
    said = look.paint("warn", counted(counts)) if group.bad else counted(counts)
    return f"{counter(progress)}  {name}: {said} ({seconds(group.seconds)})\n"


def failure_line(event: FixtureFailed | TargetFailed, look: Look) -> str:
    """Return what failed beside the probes, as one line."""
    return f"{failure_heading(event, look)}  {short(told(event.error, Outcome.ERRORED))}\n"


def failure_heading(event: FixtureFailed | TargetFailed, look: Look) -> str:
    """Return what failed beside the probes."""
    if isinstance(event, FixtureFailed):
        what, name = "FIXTURE FAILED", look.name(event.fixture, event.target)
    else:
        name = look.target(event.target)
        what = "TARGET FAILED" if name else "RUN FAILED"
    return f"{look.paint('bad', f'✗ {what}')} {look.paint('bold', name)}".rstrip()


def still_line(progress: Progress, look: Look) -> str:
    """Return that the run is alive, and what takes so long."""
    running = progress.running()
    names = [f"{look.name(label, target)} ({clock(took)})" for label, target, took in running[:3]]
    more = f"{len(running) - 3} more" if len(running) > 3 else ""
    now = joined((*names, more)) or "between two probes"
    return f"{counter(progress)}  after {clock(progress.elapsed)}, still running: {now}\n"


def counter(progress: Progress) -> str:
    """Return how many are done: ``24/200``."""
    if progress.planned is None:
        return f"{progress.done}"
    planned = f"{progress.planned}"
    return f"{progress.done:>{len(planned)}}/{planned}"
