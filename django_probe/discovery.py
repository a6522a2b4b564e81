"""Installed apps and labels to a plan: which probes there are, in a stable order.

The order is that of INSTALLED_APPS, then of the names of modules, classes and
methods. A plan is cheap: it names classes and methods. Test cases are made when
their turn comes, except where an author makes them (``load_tests``) or names
them (a class with its own ``id``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.apps import AppConfig, apps

from django_probe.batching import make_batches
from django_probe.labels import apps_of, unknown_label
from django_probe.loading import entries_of
from django_probe.modules import has_probes
from django_probe.plan import Plan, Planned
from django_probe.probe_classes import ProbeClass
from django_probe.selecting import select
from django_probe.selection import Selection

__all__ = ["discover", "once"]


def discover(selection: Selection) -> Plan:
    """Return what a selection picks from all installed apps, in order.

    Raises:
        UnknownLabel: a label names nothing that there is.
    """
    configs = list(apps.get_app_configs())
    asked = _asked(selection.labels, configs) if selection.labels else configs
    known: dict[type, ProbeClass] = {}
    entries: list[Planned] = []
    for config in asked:
        entries.extend(entries_of(config, known))
    batches = make_batches(select(entries, selection, asked))
    return Plan(batches=batches, total=sum(len(batch.entries) for batch in batches))


def once(build: Callable[[Selection], Plan]) -> Callable[[Selection], Plan]:
    """Return what makes the plan of a selection once, for all who ask for the same one.

    The plan of the last selection is kept: each round has a selection of its own.
    """
    last: list[tuple[Selection, Plan]] = []

    def build_once(selection: Selection) -> Plan:
        if not last or last[0][0] is not selection:
            last[:] = [(selection, build(selection))]
        return last[0][1]

    return build_once


def _asked(labels: Sequence[str], configs: Sequence[AppConfig]) -> Sequence[AppConfig]:
    """Return the apps that labels speak of: the others are not even imported.

    A label may be the id of a class that is no app's own, or hold a slip of the pen
    in the app's name: then any app may have what is meant.
    """
    if all(apps_of(label, configs) for label in labels):
        return [config for config in configs if any(apps_of(label, [config]) for label in labels)]
    if not any(map(has_probes, configs)):
        raise unknown_label(labels[0], (), ())
    return configs
