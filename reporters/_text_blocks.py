"""What went wrong, told in full: one block for each probe, fixture and target that is not ok."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django_probe.events import FixtureFailed, TargetFailed
from django_probe.reporters._text_frames import fold
from django_probe.reporters._text_lines import failure_heading
from django_probe.reporters._text_look import Look
from django_probe.reporters._text_words import WORDS, count, foreign, joined, seconds, short, told
from django_probe.results import NON_BLOCKING, ErrorDetail, Outcome, ProbeResult

__all__ = ["block", "failure_block", "output"]

TWINS_NAMED = 20
"""Probes that a block for many names; the stream of -v 2 names all."""


def block(twins: Sequence[ProbeResult], look: Look) -> Iterator[str]:
    """Yield the block of a result, or of several that say the same."""
    first = twins[0]
    name, rest = look.name(first.probe.label, first.target), _facts(first, look)
    if all(twin.probe.id == first.probe.id for twin in twins[1:]):
        targets = list(dict.fromkeys(twin.target for twin in twins))
        if len(targets) > 1:
            name = f"{short(first.probe.label, 300)} on {len(targets)} targets, in the same way"
            rest = _targets(targets, rest, look)
    else:
        name = f"{len(twins)} probes, all for the same reason"
        rest = _names(twins, look)
    yield f"{look.verdict(first)} {look.paint('bold', name)}\n"
    yield from rest
    yield from _errors(first, look)
    yield from _cleanups(first, look)
    yield from _attempts(first, look)
    yield from output(first, look)


def failure_block(event: FixtureFailed | TargetFailed, look: Look) -> Iterator[str]:
    """Yield the block of a fixture that failed after its probes, or of a target."""
    yield f"{failure_heading(event, look)}\n"
    source = event.source if isinstance(event, FixtureFailed) else ""
    if source:
        yield f"  {look.paint('dim', f'at {short(source)}')}\n"
    if isinstance(event, FixtureFailed):
        words = "Left behind? It came after its probes, and may not have cleaned up."
        yield f"  {look.paint('warn', words)}\n"
    yield _error(event.error, source, look)


def output(result: ProbeResult, look: Look) -> Iterator[str]:
    """Yield what a probe printed and logged."""
    for title, text in (("stdout", result.stdout), ("stderr and log", result.stderr)):
        if text.strip():
            yield f"  {look.paint('dim', f'{title}:')}\n{foreign(text)}"


def _facts(result: ProbeResult, look: Look) -> Iterator[str]:
    probe = result.probe
    if probe.description:
        yield f'  "{short(probe.description, 300)}"\n'
    facts = [seconds(result.duration), short(probe.source, 300)]
    if look.verbosity >= 3:
        facts.append(f"started {result.started_at:%Y-%m-%d %H:%M:%S} UTC")
        facts.append(f"worker {short(result.worker, 20)}" if result.worker else "")
    yield f"  {look.paint('dim', ' · '.join(filter(None, facts)))}\n"
    if not result.blocking:
        yield f"  {look.paint('warn', f'Does not block: {_leave(result)}')}\n"
    elif probe.quarantine:
        yield f"  {look.paint('warn', f'Quarantine {short(probe.quarantine)}')}\n"
    if result.reason:
        yield f"  Reason: {short(result.reason, 1000)}\n"


def _targets(targets: Sequence[str], facts: Iterable[str], look: Look) -> Iterator[str]:
    """Yield the targets on which a probe says the same, and what is known of the first."""
    names = [look.target(name) for name in targets]
    shown = names if look.verbosity >= 2 else names[:TWINS_NAMED]
    more = f"and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    yield f"  on {joined([*shown, more])}\n"
    yield from facts


def _leave(result: ProbeResult) -> str:
    if result.probe.quarantine_holds:
        return f"quarantined ({short(result.probe.quarantine or '')})"
    return f"severity {short(result.probe.severity)}"


def _names(twins: Sequence[ProbeResult], look: Look) -> Iterator[str]:
    shown = twins if look.verbosity >= 2 else twins[:TWINS_NAMED]
    for result in shown:
        yield f"  - {look.name(result.probe.label, result.target)}\n"
    if len(shown) < len(twins):
        yield f"  - and {len(twins) - len(shown)} more, named with -v 2\n"


def _errors(result: ProbeResult, look: Look) -> Iterator[str]:
    """Yield the error and the sub-tests that failed, each once."""
    error = result.error
    bad = [subtest for subtest in result.subtests if subtest.outcome not in NON_BLOCKING]
    explained = [subtest for subtest in bad if subtest.error and subtest.error.traceback]
    if error is not None and error not in result.cleanup_errors:
        # The error of a probe whose sub-tests failed holds all their tracebacks: told below.
        if explained and error.traceback.startswith(f"{explained[0].description}\n"):
            yield foreign(error.message)
        else:
            yield _error(error, result.probe.source, look, result.outcome)
    for subtest in bad:
        if subtest.error is not None:
            word = WORDS[subtest.outcome]
            yield f"  {look.paint('bold', f'sub-test {word}:')} {short(subtest.description, 300)}\n"
            yield _error(subtest.error, result.probe.source, look, subtest.outcome)


def _cleanups(result: ProbeResult, look: Look) -> Iterator[str]:
    for error in result.cleanup_errors:
        words = "Left behind? Its tearDown or a cleanup failed:"
        yield f"  {look.paint('warn', words)}\n"
        yield _error(error, result.probe.source, look)


def _attempts(result: ProbeResult, look: Look) -> Iterator[str]:
    if result.attempts:
        tries = count(len(result.attempts), "earlier try", "earlier tries")
        yield f"  {look.paint('bold', f'{tries}:')}\n"
    for attempt in result.attempts:
        said = told(attempt.error, attempt.outcome) if attempt.error else attempt.reason
        parts = (WORDS[attempt.outcome], seconds(attempt.duration), short(said, 300))
        yield f"  - {joined(parts)}\n"


def _error(error: ErrorDetail, source: str, look: Look, outcome: Outcome = Outcome.ERRORED) -> str:
    if not error.traceback:
        return foreign(told(error, outcome))
    return foreign(error.traceback if look.verbosity >= 2 else fold(error.traceback, source))
