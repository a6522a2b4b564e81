"""What a web worker and the process of a run say to each other."""

from __future__ import annotations

__all__ = ["GRACE", "REFUSED", "STOP"]

# Imported by the process of a run before it forks: nothing but constants.

GRACE = 1.5
"""Seconds before the deadline at which the run itself ends, with a whole report; a run with a
short deadline ends after three quarters of it."""
STOP = b"T"
"""What the worker writes to stdin to have the run end as by SIGTERM."""
REFUSED = "refused"
"""The event, on the wire to the worker only, that says why nothing could be asked."""
