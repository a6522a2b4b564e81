"""Probes: unittest test cases that run against a live Django deployment."""

from __future__ import annotations

from pathlib import Path

from django_probe.gate_marks import quarantine, retry, severity
from django_probe.here import current_target
from django_probe.marks import allow_writes, only_on, serial, tag, timeout
from django_probe.traffic import probe_headers

__all__ = [
    "__version__",
    "allow_writes",
    "current_target",
    "only_on",
    "probe_headers",
    "quarantine",
    "retry",
    "serial",
    "severity",
    "tag",
    "timeout",
]

__version__ = "0.1.0"


def _bridge_to_checkout() -> None:
    """Let ``django_probe.reporters`` be found in a checkout that is not installed.

    An installed package holds ``reporters`` in its own folder. In a checkout
    the folder lies beside ours, where only ``setup.py`` says what it is.
    """
    here = Path(__file__).resolve().parent
    checkout = here.parent
    if (here / "reporters").is_dir():
        return
    if (checkout / "reporters" / "text.py").is_file() and (checkout / "setup.py").is_file():
        __path__.append(str(checkout))


_bridge_to_checkout()
