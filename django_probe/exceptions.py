"""What can go wrong before, around and after the probes.

::

    ProbeError                      one line for a person; carries the exit code
    ├── ConfigurationError          a setting or an option is wrong
    ├── UnknownLabel                a label names nothing
    ├── UnknownReporter             a report format that does not exist or cannot be loaded
    ├── OutputError                 a report cannot be opened
    └── WireError                   a line is not of our wire, or of a newer one

    ProbeTimeout                    raised inside a probe that overran; not an Exception,
                                    so that a probe's ``except Exception`` lets it pass
"""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "OutputError",
    "ProbeError",
    "ProbeTimeout",
    "UnknownLabel",
    "UnknownReporter",
    "WireError",
]


class ProbeError(Exception):
    """Say in one line what was found, what was expected and what to do."""

    exit_code = 2


class ConfigurationError(ProbeError):
    """Report a setting or an option of the wrong type or value."""


class UnknownLabel(ProbeError):
    """Report a label that names no app, module, class or probe."""


class UnknownReporter(ProbeError):
    """Report a format that does not exist, or whose reporter cannot be used."""


class OutputError(ProbeError):
    """Report an output that cannot be opened for writing."""


class WireError(ProbeError):
    """Report a line that is not an event, or was written by a newer version."""


class ProbeTimeout(BaseException):
    """Interrupt a probe that ran longer than its timeout."""
