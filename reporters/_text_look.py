"""How a text report looks: how much it tells, in which colours, with which names."""

from __future__ import annotations

from dataclasses import dataclass

from django_probe.reporters._text_words import WORDS, seconds, short, told
from django_probe.reporting import shown_target
from django_probe.results import NON_BLOCKING, Outcome, ProbeResult

__all__ = ["Look"]

_CODES = {"bad": "1;31", "good": "1;32", "warn": "33", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How much is told, and in which colours."""

    verbosity: int = 1
    color: bool = False
    targets: tuple[str, ...] = ()

    @property
    def named_targets(self) -> tuple[str, ...]:
        """Return the targets that reports name: all but the only, unnamed one."""
        return tuple(filter(None, map(self.target, self.targets)))

    def target(self, name: str) -> str:
        """Return what a target is called; "" for the only, unnamed one."""
        return short(shown_target(self.targets, name), 60)

    def paint(self, style: str, text: str) -> str:
        """Return text in a colour, where there are colours."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color else text

    def name(self, label: str, target: str) -> str:
        """Return how a probe is called: its label, and the target if there is a choice."""
        where = self.target(target)
        return f"{short(label, 300)} [{where}]" if where else short(label, 300)

    def line(self, result: ProbeResult) -> str:
        """Return a result as one line: outcome, duration, label, what it says."""
        start = _start(result) if self.verbosity >= 3 else ""
        error = result.error if result.outcome is not Outcome.EXPECTED_FAILURE else None
        said = short(told(error, result.outcome) if error else result.reason)
        name = self.name(result.probe.label, result.target)
        verdict = self.verdict(result, width=9)
        return f"{verdict} {seconds(result.duration):>9}  {start}{name}{said and f'  {said}'}\n"

    def verdict(self, result: ProbeResult, width: int = 0) -> str:
        """Return symbol and word for a result; colour only repeats what they say."""
        style, symbol, word = _verdict(result)
        return self.paint(style, f"{symbol} {word:<{width}}")


def _start(result: ProbeResult) -> str:
    worker = short(result.worker, 10)
    at = result.started_at.time().isoformat("milliseconds")
    return f"{at}Z  {worker and f'w{worker}':<4}"


def _verdict(result: ProbeResult) -> tuple[str, str, str]:
    word = WORDS[result.outcome]
    if result.outcome is Outcome.PASSED and result.flaky:
        word = "flaky"
    if result.blocking:
        return "bad", "✗", word.upper()
    if result.outcome not in NON_BLOCKING:
        why = "quarantined" if result.probe.quarantine_holds else "warning"
        return "warn", "!", f"{word} ({why})"
    if result.outcome is not Outcome.PASSED:
        return "dim", "-", word
    return ("warn", "!", word) if result.flaky else ("good", "✓", word)
