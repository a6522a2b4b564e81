"""What can go wrong before, around and after the probes.

::

    ProbeError                      one line for a person; carries the exit code
    ├── ConfigurationError          a setting or an option is wrong
    │   ├── MarkError               a mark is given wrongly, or stands on what is no probe
    │   └── TargetLoop              a remote target is the deployment that asks
    ├── UnknownLabel                a label names nothing
    ├── UnknownTag                  no probe has the tag
    ├── UnknownTarget               no target has the alias
    ├── UnknownReporter             a report format that does not exist or cannot be loaded
    ├── OutputError                 a report cannot be opened
    └── WireError                   a line is not of our wire, or of a newer one

    ProbeTimeout                    raised inside a probe that overran
    RunEnded                        raised inside a probe module that is imported when the run
                                    ends: by a signal, or at its deadline

The last two are no ``Exception``, so that ``except Exception`` lets them pass.
"""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "MarkError",
    "OutputError",
    "ProbeError",
    "ProbeTimeout",
    "RunEnded",
    "TargetLoop",
    "UnknownLabel",
    "UnknownReporter",
    "UnknownTag",
    "UnknownTarget",
    "WireError",
    "kind_of",
]


def kind_of(value: object) -> str:
    """Return what a value is, for a message that must not show it: 'a list', 'an int', 'None'."""
    if value is None or value == "":
        return "None" if value is None else "empty"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


class ProbeError(Exception):
    """Say in one line what was found, what was expected and what to do."""

    exit_code = 2


class ConfigurationError(ProbeError):
    """Report a setting or an option of the wrong type or value."""


class MarkError(ConfigurationError):
    """Report a mark with a wrong value, or on something that is no probe.

    It ends a run before it begins, though it is raised while a probe module is
    imported: a mark that is not understood must not be taken for a failing probe.
    """


class TargetLoop(ConfigurationError):
    """Report a remote target that would ask the run that asks it, and wait for itself."""


class UnknownLabel(ProbeError):
    """Report a label that names no app, module, class or probe."""


class UnknownTag(ProbeError):
    """Report a tag that no probe has."""


class UnknownTarget(ProbeError):
    """Report an alias, or a glob of them, that no target has."""


class UnknownReporter(ProbeError):
    """Report a format that does not exist, or whose reporter cannot be used."""


class OutputError(ProbeError):
    """Report an output that cannot be opened for writing."""


class WireError(ProbeError):
    """Report a line that is not an event, or was written by a newer version."""


class ProbeTimeout(BaseException):
    """Interrupt a probe that ran longer than its timeout."""


class RunEnded(BaseException):
    """Interrupt discovery: the run has ended before its probes were known.

    Args:
        reason: why it ended, in words for a report.
        interrupted: whether by a signal; else its deadline has passed.
        at_once: whether it had ended before the import began.
    """

    def __init__(self, reason: str, *, interrupted: bool, at_once: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.interrupted = interrupted
        self.at_once = at_once
