"""The run as a page for people: one file that holds all it needs, or the endpoint's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TextIO

from django_probe.events import FixtureFailed, RunStarted, TargetFailed
from django_probe.pages import PAGE_POLICY
from django_probe.reporters._html_document import Document
from django_probe.reporters._html_kinds import has_more, kind_of
from django_probe.reporters._html_more import error_texts
from django_probe.reporters._html_rows import Rows, row_text
from django_probe.reporters._html_table import Table
from django_probe.reporting import Reporter, shown_target
from django_probe.results import DEFAULT_TARGET, ProbeResult, Summary
from django_probe.spooling import Spool
from django_probe.telling import fixture_error

__all__ = ["HtmlReporter"]


class HtmlReporter(Reporter):
    """One HTML file for people: what is not ok first; search, filter, light and dark.

    Args:
        title: what the page is called.
        command: asks probes again, with their labels behind it; "" where there is none.
        page: what the endpoint adds to make it its own page; None for a file.
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"command", "page"})
    content_type = "text/html; charset=utf-8"
    # For a page of the endpoint, which hands them on; a file has its policy in itself.
    headers: ClassVar[Mapping[str, str]] = {
        "Content-Security-Policy": PAGE_POLICY,
        "Referrer-Policy": "same-origin",
    }
    extension = "html"

    def __init__(
        self,
        stream: TextIO,
        *,
        title: str = "Probes",
        command: str = "./manage.py probe",
        page: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(stream)
        if not isinstance(title, str) or not isinstance(command, str):
            raise TypeError(f"title is {title!r}, command {command!r}, expected text")
        if page is not None and not isinstance(page, Mapping):
            raise TypeError(f"page is {page!r}, expected a mapping")
        self._document = Document(title=title, command=command, page=page)
        self._spool = Spool()
        self._failures: list[dict[str, object]] = []

    def run_started(self, run: RunStarted) -> None:
        """Keep what stands at the head of the page."""
        self._run = run
        self._table = Table(run.targets, self._spool)

    def probe_finished(self, result: ProbeResult) -> None:
        """Spool a result: what is not ok comes first, and that is not known yet."""
        kind = kind_of(result)
        target = shown_target(self._run.targets, result.target)
        more = self._document.more(result, kind, target) if has_more(result) else ""
        probe = result.probe
        head = row_text(probe.label, probe.source, probe.tags, probe.description)
        self._table.add(result, kind, head, more)

    def fixture_failed(self, event: FixtureFailed) -> None:
        """Keep a fixture error."""
        target = shown_target(self._run.targets, event.target)
        self._failures.append(
            {
                "of": event.target,
                "what": "Fixture failed",
                "name": event.fixture,
                "target": target,
                "source": event.source,
                "note": "It came after its probes: something may be left behind.",
                "error": error_texts(fixture_error(event), "Error"),
            }
        )

    def target_failed(self, event: TargetFailed) -> None:
        """Keep that a target failed."""
        name = "" if event.target == DEFAULT_TARGET else event.target
        self._failures.append(
            {
                "of": event.target,
                "what": "Could not ask to the end" if name else "The run broke off",
                "name": name,
                "target": "",
                "source": "",
                "note": "",
                "error": error_texts(event.error, "Error"),
            }
        )

    def run_finished(self, summary: Summary) -> None:
        """Write the page."""
        table = self._table
        before, after = self._document.around(self._run, self.begun, summary, table.count())
        self.stream.write(before)
        targets = self._run.targets
        places = {target: place for place, target in enumerate(targets)}
        self._failures.sort(key=lambda one: places.get(str(one["of"]), len(places)))
        for piece in Rows(table, self._spool, targets).sections(self._failures):
            self.stream.write(piece)
        self.stream.write(after)
        self._spool.close()
