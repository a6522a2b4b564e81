"""What a click on a result shows."""

from __future__ import annotations

from collections.abc import Iterator

from django_probe.reporters._html_kinds import KINDS, kind_of
from django_probe.reporters._text_words import seconds
from django_probe.results import NON_BLOCKING, ErrorDetail, Outcome, ProbeResult
from django_probe.sanitizing import one_line
from django_probe.telling import left_behind, message_of

__all__ = ["error_texts", "headline", "more"]

LONGEST = 240
"""Characters of a message that are seen without a click."""


def more(result: ProbeResult, kind: str, target: str) -> dict[str, object]:
    """Return what a click on a result shows: texts only, by the template's names."""
    probe = result.probe
    return {
        "kind": kind,
        "word": KINDS[kind],
        "target": target,
        "headline": headline(result),
        "note": _note(result),
        "reason": result.reason,
        "label": probe.label,
        "errors": list(_errors(result)),
        "subtests": [
            {"kind": sub.outcome.value, "word": _times(sub.count, sub.outcome), "name": name}
            for sub in result.subtests
            if (name := sub.description)
        ],
        "attempts": [
            {
                "word": KINDS[kind_of(attempt)],
                "kind": kind_of(attempt),
                "took": seconds(attempt.duration),
                "errors": list(_errors(attempt)),
                "said": one_line(message_of(attempt)),
            }
            for attempt in result.attempts
        ],
        "stdout": result.stdout,
        "stderr": result.stderr,
        "facts": [(name, text) for name, text in _facts(result) if text],
    }


def headline(result: ProbeResult) -> str:
    """Return what happened, in a line that is seen without a click."""
    if result.outcome is Outcome.PASSED:
        if result.attempts:
            return _cut(one_line(message_of(result)))
        return "what it wrote" if result.stdout or result.stderr else "what it did"
    text = result.reason
    if result.error is not None:
        text = result.error.message or result.error.exception_class_path
        if result.outcome is Outcome.ERRORED:
            name = result.error.exception_class_path.rpartition(".")[2]
            text = f"{name}: {text}" if text != name else text
    text = ": ".join(filter(None, (left_behind(result), text)))
    return _cut(one_line(text) or message_of(result))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def error_texts(error: ErrorDetail, title: str) -> dict[str, str]:
    """Return an error by the template's names."""
    return {
        "title": title,
        "name": error.exception_class_path,
        "message": error.message.strip(),
        "traceback": error.traceback.rstrip("\n"),
    }


def _errors(result: ProbeResult) -> Iterator[dict[str, str]]:
    """Yield each error once: that of a probe whose sub-tests failed holds theirs."""
    told = ""
    if result.error is not None and result.error not in result.cleanup_errors:
        told = result.error.traceback
        yield error_texts(result.error, "Error")
    for subtest in result.subtests:
        error = subtest.error
        if error is not None and not (error.traceback and error.traceback.rstrip() in told):
            yield error_texts(error, f"Sub-test {subtest.description}")
    for error in result.cleanup_errors:
        yield error_texts(error, "Clean-up failed: something may be left behind")


def _note(result: ProbeResult) -> str:
    if result.outcome is Outcome.EXPECTED_FAILURE:
        return "It failed, as its author expects: this does not block."
    if result.outcome is Outcome.UNEXPECTED_SUCCESS:
        return "It passed, though its author expects a failure."
    quarantine = result.probe.quarantine
    if result.blocking:
        return f"Its quarantine {quarantine}." if quarantine else ""
    if result.outcome in NON_BLOCKING:
        return ""
    held = result.probe.quarantine_holds
    return f"Does not block: {f'quarantined {quarantine}' if held else 'a warning'}."


def _times(count: int, outcome: Outcome) -> str:
    word = KINDS[outcome.value]
    return word if count == 1 else f"{count} × {word}"


def _facts(result: ProbeResult) -> Iterator[tuple[str, str]]:
    probe = result.probe
    yield "Where", probe.source
    yield "Started", f"{result.started_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "Took", seconds(result.duration)
    yield "Timeout", "" if probe.timeout is None else seconds(probe.timeout)
    yield "Severity", "" if probe.severity == "error" else probe.severity
    yield "Tags", ", ".join(probe.tags)
