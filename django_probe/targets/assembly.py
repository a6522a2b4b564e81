"""``PROBE_TARGETS`` and ``--target`` to targets: which are asked, and what each is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django_probe.batching import for_target, reduced
from django_probe.exceptions import ConfigurationError, UnknownTarget
from django_probe.executors.base import Executor
from django_probe.plan import Plan
from django_probe.results import DEFAULT_TARGET
from django_probe.selection import Selection
from django_probe.settings_secrets import secrets_in_settings
from django_probe.target_settings import NAME, Entries, Targets, found
from django_probe.targets.base import Setup, Target
from django_probe.targets.local import LocalTarget
from django_probe.targets.merging import AT_ONCE, MergedTargets
from django_probe.targets.options import resolved
from django_probe.targets.picking import NAMED, entry_of, matches, picked

__all__ = ["BUILT_IN", "Chosen", "Made", "check_entry", "choose", "find_target"]

BUILT_IN = {
    "local": "django_probe.targets.local.LocalTarget",
    "remote": "django_probe.targets.remote.RemoteTarget",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An entry of ``PROBE_TARGETS``, ready to be made a target."""

    alias: str
    kind: type[Target]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The targets that are asked."""

    made: tuple[Made, ...]
    secrets: frozenset[str]
    """What was found in the environment for them."""
    patterns: tuple[str, ...] = ()
    """What ``--target`` said: it may name one of the targets that an entry stands for."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Return their names, as the setting has them."""
        return tuple(each.alias for each in self.made)

    def narrow(self, plan: Plan) -> tuple[Plan, dict[int, list[str]]]:
        """Return what of a plan local targets have, and by index which of them."""
        where: dict[int, list[str]] = {}
        for each in filter(_is_local, self.made):
            tags = frozenset(each.options.get("tags", ()))
            for entry in for_target(plan, each.alias, tags).entries:
                where.setdefault(entry.index, []).append(each.alias)
        batches = reduced(plan.batches, lambda entry: entry.index in where)
        return Plan(batches=batches, total=len(where)), where

    def unlisted(self) -> Iterator[str]:
        """Yield a line for each target that alone knows what probes it has."""
        for each in self.made:
            if not _is_local(each):
                yield f"The probes of {each.alias} are listed where they run, not here."

    def target(
        self,
        executor: Executor,
        build: Callable[[Selection], Plan],
        at_once: int | None = None,
    ) -> Target:
        """Return one target that stands for all: itself where there is but one.

        Raises:
            ConfigurationError: OPTIONS do not go together, or two targets have one alias.
        """
        at_once = AT_ONCE if at_once is None else at_once
        beside = self._beside(executor, at_once)
        setup = Setup(
            config=executor.config,
            executor=executor,
            build=build,
            workers=executor.max_workers // beside,
            at_once=beside,
        )
        targets = [one for each in self.made for one in self._of(each, setup)]
        _refuse_twins(targets)
        return targets[0] if len(targets) == 1 else MergedTargets(targets, setup.config, at_once)

    def _beside(self, executor: Executor, at_once: int) -> int:
        """Return how many local targets may share the workers of the run at a time."""
        sharing = sum("executor" not in each.options for each in filter(_is_local, self.made))
        return max(1, min(executor.max_workers, at_once, sharing))

    def _of(self, made: Made, setup: Setup) -> Sequence[Target]:
        """Return the targets of an entry, if it stands for several those that were asked for."""
        targets = made.kind.make(made.alias, made.options, setup)
        if not self.patterns or matches(made.alias, self.patterns):
            return targets
        own = [p for p in self.patterns if entry_of(p, [made.alias]) == made.alias]
        wanted = picked([target.alias for target in targets], own)
        return [target for target in targets if target.alias in wanted]


def choose(
    setting: Targets,
    patterns: Sequence[str],
    overruled: Collection[str] = (),
    *,
    local: bool = False,
) -> Chosen | None:
    """Return the targets that ``PROBE_TARGETS`` has and ``--target`` picks; None means: here.

    Args:
        overruled: OPTIONS in whose place the command line has something.
        local: leave out other deployments; where nothing else is left, there is one target, here.

    Raises:
        UnknownTarget: a pattern picks none.
        ConfigurationError: an entry is faulty.
    """
    entries = found(setting)
    names = list(entries) or [DEFAULT_TARGET]
    aliases = picked(names, [entry_of(pattern, names) for pattern in patterns])
    if entries and local:
        aliases = _here(entries, aliases, patterns)
    if not entries or not aliases:
        return None
    secrets: set[str] = set()
    made = tuple(_made(alias, entries[alias], overruled, secrets) for alias in aliases)
    return Chosen(made=made, secrets=frozenset(secrets), patterns=tuple(patterns))


def find_target(where: str, backend: str) -> type[Target]:
    """Return the class of a name or dotted path.

    Raises:
        ConfigurationError: there is none.
    """
    from django.utils.module_loading import import_string

    path = BUILT_IN.get(backend, backend)
    names = ", ".join(map(repr, BUILT_IN))
    try:
        kind = import_string(path)
    except Exception as exc:
        raise ConfigurationError(
            f"{where}['BACKEND'] is {backend!r}, expected {names} or the dotted path of a class:"
            f" {type(exc).__name__}: {exc}."
        ) from exc
    if not isinstance(kind, type) or not issubclass(kind, Target):
        raise ConfigurationError(
            f"{where}['BACKEND'] is {backend!r}, expected {names} or a class derived from"
            " django_probe.targets.base.Target."
        )
    return kind


def check_entry(alias: str, entry: Mapping[str, Any]) -> type[Target]:
    """Return the class of an entry whose OPTIONS are as they should be; no function is called.

    Raises:
        ConfigurationError: they are not, or there is no such class.
    """
    where = f"{NAME}[{alias!r}]"
    kind = find_target(where, entry["BACKEND"])
    kind.check(f"{where}['OPTIONS']", entry.get("OPTIONS", {}))
    return kind


def _here(entries: Entries, aliases: Sequence[str], patterns: Sequence[str]) -> Sequence[str]:
    """Return the aliases of what runs here.

    Raises:
        UnknownTarget: patterns picked nothing else than other deployments.
    """
    kinds = {
        alias: find_target(f"{NAME}[{alias!r}]", entries[alias]["BACKEND"]) for alias in aliases
    }
    found = [alias for alias, kind in kinds.items() if not kind.elsewhere]
    if patterns and not found:
        raise UnknownTarget(
            f"--local got {', '.join(aliases[:NAMED])}, expected targets of this deployment: ask"
            " another one directly."
        )
    return found


def _made(
    alias: str, entry: Mapping[str, Any], overruled: Collection[str], secrets: set[str]
) -> Made:
    kind = check_entry(alias, entry)
    place = f"{NAME}[{alias!r}]['OPTIONS']"
    options = entry.get("OPTIONS", {})
    options = {name: value for name, value in options.items() if name not in overruled}
    options = resolved(place, kind.used(place, alias, options), secrets)
    # What a function has returned stands in no setting, where all others are found.
    secrets |= secrets_in_settings(SimpleNamespace(**{NAME: options}))
    return Made(alias=alias, kind=kind, options=options)


def _is_local(made: Made) -> bool:
    return issubclass(made.kind, LocalTarget)


def _refuse_twins(targets: Iterable[Target]) -> None:
    for alias, times in Counter(target.alias for target in targets).items():
        if times > 1:
            raise ConfigurationError(
                f"Two targets have the alias {alias!r}, expected one: rename one of them in {NAME}."
            )
