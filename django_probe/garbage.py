"""How often a process that runs probes looks for garbage."""

from __future__ import annotations

import gc

__all__ = ["collect_less_garbage"]

GARBAGE = 5_000
"""Objects that are made, less those that are gone, until garbage is looked for; Python's is 700."""


def collect_less_garbage() -> None:
    """Spare this process the search for garbage in what has been made to last.

    It is a tenth of a run of 10,000 trivial probes. Of what comes later, garbage in
    cycles is found after as many objects as Python makes in a few milliseconds.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE)
