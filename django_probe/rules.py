"""How a run is decided: once, or when it has been asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django_probe.exceptions import ConfigurationError

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What ``--wait``, ``--stable`` and ``--allow-empty`` say."""

    wait: float = 0.0
    """Seconds, from the start of the run, in which what is not ok is asked again."""
    stable: int = 1
    """How often in a row all of it has to be ok."""
    delay: float = 1.0
    """Seconds between two rounds, doubled from one to the next while it waits."""
    allow_empty: bool = False
    """A run in which nothing ran, as nothing was there or all was skipped, is ok."""

    @classmethod
    def of(cls, option: Callable[..., Any], deadline: float | None) -> Rules:
        """Return what the options of a command say.

        Args:
            option: looks an option up, with a default.
            deadline: seconds that the run may take, from wherever.

        Raises:
            ConfigurationError: it would wait beyond its deadline.
        """
        wait = option("wait", 0.0)
        if deadline is not None and wait > deadline:
            raise ConfigurationError(
                f"--wait {wait:g} is longer than the deadline of {deadline:g} s, expected a"
                " shorter one: --deadline and PROBE_DEADLINE bound the whole run."
            )
        return cls(
            wait=wait,
            stable=option("stable", 1),
            delay=option("retry_delay", 1.0),
            allow_empty=bool(option("allow_empty")),
        )

    @property
    def once(self) -> bool:
        """Return whether all is asked once, whatever comes of it."""
        return not self.wait and self.stable == 1
