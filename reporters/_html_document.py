"""The page around the rows, and what a click on a result shows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from django_probe.events import RunStarted, TargetStarted
from django_probe.pages import Shaped, Stencil, file_policy, hole
from django_probe.reporters._html_kinds import KINDS, counted
from django_probe.reporters._html_more import more
from django_probe.reporters._text_words import count, joined, seconds
from django_probe.reporters._verdict import meaning, title
from django_probe.reporting import served_by, shown_target
from django_probe.results import Counts, ProbeResult, Summary

__all__ = ["Document"]


class Document:
    """What frames the results.

    Args:
        title: what the page is called.
        command: asks probes again, with their labels behind it.
        page: what the endpoint adds; None for a file.
    """

    def __init__(self, *, title: str, command: str, page: Mapping[str, object] | None) -> None:
        self._about = {"title": title, "command": command, "page": page}
        self._command = command
        self._more = Shaped("_more.html")
        self._home = str(page["home"]) if page and page.get("may_run") else ""

    def more(self, result: ProbeResult, kind: str, target: str) -> str:
        """Return what a click on a result shows."""
        label = result.probe.label
        values = more(result, kind, target)
        chosen = not target or " --target " in self._command
        where = "" if chosen else f" --target {shlex.quote(target)}"
        values["again"] = f"{self._command}{where} {shlex.quote(label)}" if self._command else ""
        values["run_url"] = self._run_url(quote(label, safe=""))
        return self._more.render(values)

    def _run_url(self, label: str) -> str:
        """Return where a label is run; one with a slash is no part of a path."""
        if not self._home:
            return ""
        if "%2F" in label:
            return f"{self._home}?label={label}&fresh=1"
        return f"{self._home}{label}/?fresh=1"

    def around(
        self,
        run: RunStarted,
        begun: Mapping[str, TargetStarted],
        summary: Summary,
        kinds: Mapping[str, int],
    ) -> tuple[str, str]:
        """Return the page before and after the results.

        Args:
            begun: what targets have said of themselves.
            kinds: how many results there are of each kind.
        """
        failed = _shown(run, summary.failed_targets)
        names = [*_shown(run, run.targets), *failed]
        values = {
            **self._about,
            **_started(run),
            "policy": "" if self._about["page"] else file_policy(),
            "ok": summary.ok,
            "verdict": title(summary).capitalize(),
            "meaning": _meaning(summary, failed),
            "asked": _asked(summary),
            "lost": summary.reporter_errors,
            "kinds": list(_kinds(kinds)),
            "total": f"{sum(kinds.values())}",
            "targets": list(_targets(names, summary, run, begun)),
            "results": hole("results"),
        }
        return Stencil("report.html", values).around("results", {})


def _shown(run: RunStarted, targets: Iterable[str]) -> list[str]:
    """Return the targets that have a name."""
    return [name for target in targets if (name := shown_target(run.targets, target))]


def _started(run: RunStarted) -> dict[str, object]:
    """Return what is known of a run from its start on."""
    return {
        "asked_for": joined(run.labels),
        "started_at": run.started_at.isoformat(),
        "started": f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "facts": [(name, text) for name, text in _facts(run) if text],
    }


def _kinds(kinds: Mapping[str, int]) -> Iterator[dict[str, str]]:
    """Yield each kind that occurs, with where it begins in a bar of all."""
    before = 0
    for kind in KINDS:
        number = kinds.get(kind, 0)
        if number:
            word = counted(kind, number)
            yield {"kind": kind, "word": word, "count": f"{number}", "at": f"{before}"}
        before += number


def _meaning(summary: Summary, failed: Sequence[str]) -> str:
    """Return what is not ok, unless the verdict above says just that."""
    told = "" if summary.ok else meaning(summary, failed)
    return "" if told == title(summary).lower() else told


def _asked(summary: Summary) -> str:
    """Return how many probes there were, and how long they took; bar and chips tell the rest."""
    return f"{count(summary.counts.total, 'probe')} in {seconds(summary.duration)}"


def _facts(run: RunStarted) -> Iterator[tuple[str, str]]:
    yield "Release", run.release
    yield "Asked for", joined(run.labels)
    yield "On", run.instance
    yield "Order", "" if run.seed is None else f"--shuffle {run.seed}"
    yield "Run", run.run_id


def _targets(
    names: Sequence[str], summary: Summary, run: RunStarted, begun: Mapping[str, TargetStarted]
) -> Iterator[dict[str, object]]:
    """Yield what came of each target that has a name."""
    for name in dict.fromkeys(names):
        counts = summary.by_target.get(name, Counts())
        broken = name in summary.failed_targets
        release, _ = served_by(run, begun, name)
        told = count(counts.total, "probe")
        if counts.blocking:
            told = f"{counts.blocking} of {told} block"
        yield {
            "name": name,
            "release": "" if release == run.release else release,
            "ok": not (broken or counts.blocking),
            "told": f"could not be asked to the end, {told}" if broken else told,
        }
