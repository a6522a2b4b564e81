"""Records fit to be shown: clean, without secrets, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django_probe.bounded import BoundedText
from django_probe.details import Problem, text_of
from django_probe.redaction import TEXT_LIMIT, Redactor
from django_probe.results import ErrorDetail, Probe
from django_probe.sanitizing import one_line

__all__ = ["MESSAGE_LIMIT", "NAME_LIMIT", "Scrubber"]

MESSAGE_LIMIT = 8 * 1024
"""Characters of a message or a reason that a record keeps."""
NAME_LIMIT = 1024
"""The same of an id, a label, a description, the name of a class or of a sub-test."""


class Scrubber:
    """Make texts and records of a run fit to be shown."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    def text(self, text: str, limit: int = TEXT_LIMIT) -> str:
        """Return text that may be shown."""
        return self.redactor.scrub(text, limit)

    def message(self, value: object) -> str:
        """Return what an object says of itself, at most ``MESSAGE_LIMIT`` characters."""
        return self.redactor.scrub(text_of(value), MESSAGE_LIMIT)

    def name(self, text: str) -> str:
        """Return text that may be shown, on one line."""
        return one_line(self.redactor.scrub(text, NAME_LIMIT))

    def output(self, kept: BoundedText | None) -> str:
        """Return captured output that may be shown."""
        return self.redactor.scrub_output(kept) if kept else ""

    def probes(self, probes: Sequence[Probe]) -> Sequence[Probe]:
        """Return records of probes without secrets: as they are, if one look at all finds none."""
        if self.redactor.is_harmless("\n".join(map(_texts_of, probes))):
            return probes
        return [self._probe(probe) for probe in probes]

    def _probe(self, probe: Probe) -> Probe:
        """Return the record of a probe without secrets; nearly always as it is."""
        if self.redactor.is_harmless(_texts_of(probe)):
            return probe
        return replace(
            probe,
            id=self.name(probe.id),
            label=self.name(probe.label),
            description=self.name(probe.description),
            tags=tuple(map(self.name, probe.tags)),
            source=self.name(probe.source),
            quarantine=probe.quarantine and self.name(probe.quarantine),
        )

    def problem(self, problem: Problem) -> Problem:
        """Return a problem whose texts may be shown."""
        return Problem(
            outcome=problem.outcome,
            error=problem.error and self.error(problem.error),
            reason=self.message(problem.reason),
            source=self.name(problem.source),
            kinds=problem.kinds,
        )

    def error(self, error: ErrorDetail) -> ErrorDetail:
        """Return an error whose texts may be shown; nearly always as it is."""
        kind, message, traceback = error.exception_class_path, error.message, error.traceback
        fits = len(message) <= MESSAGE_LIMIT and len(traceback) <= TEXT_LIMIT
        is_name = len(kind) <= NAME_LIMIT and kind.replace(".", "_").isidentifier()
        if fits and is_name and self.redactor.is_harmless(f"{kind}\n{message}\n{traceback}"):
            return error
        return ErrorDetail(
            exception_class_path=self.name(error.exception_class_path),
            message=self.message(error.message),
            traceback=self.text(error.traceback),
        )


def _texts_of(probe: Probe) -> str:
    """Return all texts of a probe that its author wrote."""
    tags = " ".join(probe.tags) if probe.tags else ""
    return f"{probe.id} {probe.description} {probe.source} {probe.quarantine or ''} {tags}"
