"""System checks: faulty settings, and test cases that must not run on production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from django_probe.conf import DEFAULT_EXECUTOR, DEFAULT_RUNNER, settings
from django_probe.exceptions import MarkError, ProbeError

if TYPE_CHECKING:
    from django_probe.plan import Planned
    from django_probe.probe_classes import ProbeClass

__all__ = [
    "SETTINGS_TAG",
    "TAG",
    "check_classes",
    "check_distribution",
    "check_modules",
    "check_names",
    "check_settings",
    "setting_fault",
]

# Whatever else is needed is imported when a check runs: this module is imported
# by every process that has the app installed, a web server's workers too.

TAG = "probe"
"""All checks: ``manage.py check --tag probe``."""
SETTINGS_TAG = "probe_settings"
"""Those that ``manage.py probe`` itself runs first: quick, and no probe module is imported."""

SETTING_IDS = {
    "runner": "probe.E001",
    "timeout": "probe.E002",
    "deadline": "probe.E003",
    "executor": "probe.E004",
    "reporters": "probe.E005",
    "release": "probe.E006",
    "redact": "probe.E007",
    "targets": "probe.E008",
    "allow_writes": "probe.E021",
    "allow_test_environment": "probe.E020",
    "enabled": "probe.E040",
    "tokens": "probe.E041",
    "access": "probe.E042",
    "cache_seconds": "probe.E043",
    "keep_seconds": "probe.E044",
    "view_deadline": "probe.E045",
    "view_runs": "probe.E046",
    "python": "probe.E047",
}
HINTS = {
    "runner": f"The default is {DEFAULT_RUNNER!r}.",
    "timeout": "PROBE_TIMEOUT = 30.0 is the default.",
    "deadline": "PROBE_DEADLINE = 300 ends a run after five minutes; None never does.",
    "executor": "PROBE_EXECUTOR = {'BACKEND': 'threads', 'OPTIONS': {'max_workers': 4}}",
    "reporters": "PROBE_REPORTERS = {'ci': {'BACKEND': 'junit', 'OUTPUT': 'reports/probe.xml'}}",
    "redact": "PROBE_REDACT = {'NAMES': ['iban'], 'VALUES': [PIN], 'PATTERNS': [r'cus_\\w+']}",
    "targets": "PROBE_TARGETS = {'eu': {'BACKEND': 'local', 'OPTIONS': {'parameters': {…}}}}",
    "allow_test_environment": "The default is False: probes are for live deployments.",
    "allow_writes": "PROBE_ALLOW_WRITES = False is the default: probes say @allow_writes.",
    "release": "PROBE_RELEASE = '2026.11.3', or the environment variable of that name.",
    "enabled": "PROBE_ENABLED = False switches /probe/ off.",
    "tokens": "PROBE_TOKENS = [os.environ['PROBE_TOKEN']], or 'sha256:' and its hash in hex.",
    "access": "PROBE_ACCESS = 'mysite.probing.may_probe', a function (request) -> bool.",
    "cache_seconds": "PROBE_CACHE_SECONDS = 10 is the default; 0 keeps no answer.",
    "keep_seconds": "PROBE_KEEP_SECONDS = 600 is the default.",
    "view_deadline": "PROBE_VIEW_DEADLINE = 25 is the default: less than the server's own timeout.",
    "view_runs": "PROBE_VIEW_RUNS = 2 is the default.",
    "python": "PROBE_PYTHON = '/srv/venv/bin/python'; None finds the one of the server.",
}
QUARANTINE_NOTICE = 14
"""Days before a quarantine ends that it is told."""
OTHER_DISTRIBUTION = "django-probe"


@register(TAG, SETTINGS_TAG)
def check_settings(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report each setting of the wrong type or value."""
    faults = dict(settings.faults())
    if "reporters" not in faults and settings.reporters:
        from django_probe.formats import BUILT_IN

        for alias in BUILT_IN.keys() & settings.reporters.keys():
            faults["reporters"] = (
                f"The report format {alias!r} is claimed twice, by PROBE_REPORTERS and as a"
                " built-in format: rename the alias."
            )
    return [setting_fault(name, fault) for name, fault in faults.items()]


@register(TAG)
def check_classes(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report a runner, an executor or a reporter that cannot be used."""
    return list(_unusable({name for name, _ in settings.faults()}))


@register(TAG)
def check_names(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report each setting that is none, but is named nearly like one that is not there."""
    from difflib import get_close_matches

    there = {name for name in dir(django_settings) if name.startswith("PROBE_")}
    known = {f"PROBE_{name.upper()}" for name in SETTING_IDS}
    meant = {name: get_close_matches(name, known - there, 1, 0.85) for name in there - known}
    return [
        Warning(
            f"{name} is no setting of django-probe, and has no effect.",
            hint=f"Did you mean {near[0]}? If it is your own, give it another name.",
            id="probe.W002",
        )
        for name, near in sorted(meant.items())
        if near
    ]


@register(TAG)
def check_modules(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report probe classes that are refused, and probe modules that cannot be imported."""
    known: dict[type, ProbeClass] = {}
    configs = apps.get_app_configs() if app_configs is None else app_configs
    found = (pair for config in configs for pair in _of_app(config, known))
    # One message for each class or mark, however many probes it is about.
    return list(dict(found).values())


@register(TAG)
def check_distribution(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Report that another distribution installs the same import package."""
    from importlib import metadata

    try:
        metadata.distribution(OTHER_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return []
    hint = f"pip uninstall {OTHER_DISTRIBUTION}, then install django-probe-runner again."
    message = (
        f"The distribution {OTHER_DISTRIBUTION!r} is installed too: it is another project,"
        " and both install the package django_probe."
    )
    return [Warning(message, hint=hint, id="probe.W003")]


def setting_fault(name: str, fault: str) -> Error:
    """Return the message that a setting is faulty."""
    return Error(fault, hint=HINTS[name], id=SETTING_IDS[name])


def _unusable(faulty: set[str]) -> Iterator[CheckMessage]:
    """Yield what is wrong with each class that a setting names, if its type is right."""
    uses = {
        "runner": _load_runner,
        "executor": _make_executor,
        "reporters": _load_reporters,
    }
    for name, use in uses.items():
        if name not in faulty:
            try:
                use()
            except ProbeError as exc:
                yield setting_fault(name, str(exc))


def _load_runner() -> None:
    if settings.runner != DEFAULT_RUNNER:
        from django_probe.runners import runner_class

        runner_class()


def _make_executor() -> None:
    if settings.executor != DEFAULT_EXECUTOR:
        from django_probe.executors.names import make_executor

        make_executor(settings.executor["BACKEND"], **settings.executor["OPTIONS"])


def _load_reporters() -> None:
    if not settings.reporters:
        return
    from django_probe.formats import BUILT_IN, find_format

    for alias in settings.reporters:
        if alias not in BUILT_IN:  # Else check_settings has told it.
            find_format(alias, settings.reporters).check_options()


def _of_app(
    config: AppConfig, known: dict[type, ProbeClass]
) -> Iterator[tuple[object, CheckMessage]]:
    """Yield (what it is about, the message) for each fault in the probes of an app."""
    from django_probe.habits import warnings_of
    from django_probe.loading import entries_of

    try:
        entries = list(entries_of(config, known))
        for entry in entries:
            yield from _problem(entry)
            yield from _quarantine(entry)
        yield from ((str(message), message) for message in warnings_of(config, entries))
    except MarkError as exc:
        hint = "No probe runs before it is mended."
        yield str(exc), Error(str(exc), hint=hint, id="probe.E030")


def _quarantine(entry: Planned) -> Iterator[tuple[object, CheckMessage]]:
    """Yield what is to be said of a quarantine that has ended, or soon will."""
    mark = entry.marks.quarantine
    if mark is None:
        return
    from django_probe.gate_marks import today

    days = (mark.until - today()).days
    if days > QUARANTINE_NOTICE:
        return
    ends = f"ends in {days} day{'s' if days > 1 else ''}" if days > 0 else "has no effect any more"
    what = f"The quarantine of {entry.label} {ends}: {mark.told(today())}."
    hint = "Mend the probe and remove the mark, or give the mark another day."
    # The mark of a class is one object for all its probes.
    yield id(mark), Warning(what, hint=hint, id="probe.W030")


def _problem(entry: Planned) -> Iterator[tuple[object, CheckMessage]]:
    """Yield (what it is about, the message) where an entry of a plan cannot run."""
    from django_probe.probe_classes import NEVER_AWAITED

    error = entry.problem.error if entry.problem else None
    if error is None:
        return
    if entry.owner is not None and entry.owner.refusal:
        case_class = entry.owner.case_class
        if error.exception_class_path == NEVER_AWAITED:
            hint = "Its probes would pass or fail without it; they are errored instead."
            yield case_class, Error(error.message, hint=hint, obj=case_class, id="probe.E011")
            return
        hint = f"class {case_class.__name__}(unittest.TestCase): it has no test database to empty."
        yield case_class, Error(error.message, hint=hint, obj=case_class, id="probe.E010")
        return
    what = f"{entry.label} cannot be loaded: {error.exception_class_path}: {error.message}"
    yield entry, Warning(what, hint="It will be one errored probe in every run.", id="probe.W001")
