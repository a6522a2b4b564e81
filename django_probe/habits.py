"""What unit tests do and probes should not: seen in the syntax tree of a probe module.

Nothing is run for it. Names are followed through the imports of their module.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning

from django_probe.details import relative
from django_probe.labels import PROBES
from django_probe.plan import Planned

__all__ = ["Habit", "warnings_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """One thing that a probe should not use, and what to do instead."""

    id: str
    names: frozenset[str]
    why: str
    hint: str


OVERRIDES = Habit(
    id="probe.W010",
    names=frozenset(
        f"django.test.{home}{name}"
        for home in ("", "utils.")
        for name in ("override_settings", "modify_settings")
    ),
    why="changes the settings of this process, not of the deployment: it shows another system",
    hint="Ask the deployment as it is, or leave this to a unit test.",
)
OUTBOX = Habit(
    id="probe.W011",
    names=frozenset({"django.core.mail.outbox"}),
    why="is there in Django's test environment alone: here it is an AttributeError",
    hint="Connect to the mail server, or ask where the mail arrives.",
)
CLIENTS = Habit(
    id="probe.W012",
    names=frozenset(
        {
            *(
                f"django.test.{home}{name}"
                for home in ("", "client.")
                for name in ("Client", "AsyncClient", "RequestFactory", "AsyncRequestFactory")
            ),
            *(f"rest_framework.test.{name}" for name in ("APIClient", "APIRequestFactory")),
            "rest_framework.test.RequestsClient",
            "django_webtest.DjangoTestApp",
        }
    ),
    why="calls your code in this process, past the web server, the proxy and the certificate",
    hint="Ask the deployment over HTTP: urllib.request, requests, httpx.",
)
PROCESS_WIDE = Habit(
    id="probe.W013",
    names=frozenset({"unittest.mock.patch", "mock.patch"}),
    why="changes the whole process, and every probe that runs in it at the same time",
    hint="Mark the probe @serial: it runs while no other one does. Better, do without.",
)
ASSERTIONS = frozenset({"assertLogs", "assertNoLogs", "assertWarns", "assertWarnsRegex"})
"""Methods of a test case that are ``PROCESS_WIDE`` too."""

_BY_NAME: Mapping[str, Habit] = {
    name: habit for habit in (OVERRIDES, OUTBOX, CLIENTS, PROCESS_WIDE) for name in habit.names
}


def warnings_of(config: AppConfig, entries: Sequence[Planned]) -> Iterator[CheckMessage]:
    """Yield a warning for each line of an app's probe modules that has such a habit.

    Args:
        entries: the probes of the app: its probe modules have been imported for them.
    """
    for module in _modules(f"{config.name}.{PROBES}"):
        told = set()
        for use in _uses(module):
            if (use.habit, use.line) in told or _runs_alone(use, module, entries):
                continue
            told.add((use.habit, use.line))
            yield Warning(
                f"{use.name} {use.habit.why}.",
                hint=use.habit.hint,
                obj=f"{relative(str(module.__file__))}:{use.line}",
                id=use.habit.id,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    habit: Habit
    name: str
    line: int
    owner: str
    """The class that it stands in, "" for none."""
    function: str
    """The outermost function that it stands in, "" for none."""


def _modules(root: str) -> Iterator[ModuleType]:
    for name, module in sorted(sys.modules.items()):
        is_below = name == root or name.startswith(f"{root}.")
        if is_below and str(getattr(module, "__file__", "")).endswith(".py"):
            yield module


def _uses(module: ModuleType) -> list[_Use]:
    try:
        with tokenize.open(str(module.__file__)) as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, UnicodeDecodeError):  # Changed since it was imported.
        return []
    finder = _Finder(dict(_imported(tree)))
    finder.visit(tree)
    return finder.found


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (name in the module, dotted path) for each import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if alias.name == "*":
                    yield from _all_of(node.module)
                else:
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _all_of(module: str) -> Iterator[tuple[str, str]]:
    for path in _BY_NAME:
        home, _, name = path.rpartition(".")
        if home == module:
            yield name, path


class _Finder(ast.NodeVisitor):
    """Find what has a habit, with the class and the function around it."""

    def __init__(self, imported: Mapping[str, str]) -> None:
        self.found: list[_Use] = []
        self._imported = imported
        self._owner: list[str] = []
        self._function = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if self._function:
            self.generic_visit(node)
            return
        self._owner.append(node.name)
        self.generic_visit(node)
        self._owner.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer, self._function = self._function, self._function or node.name
        self._visit_all(node.decorator_list)
        self.visit(node.args)
        self._visit_all(node.body)
        self._function = outer

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_arg(self, node: ast.arg) -> None:
        """Pass over annotations: they call nothing."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        self._look_at(node, self._imported.get(node.id, ""))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not self._look_at(node, self._dotted(node)):
            self.generic_visit(node)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _dotted(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self._imported.get(node.id, "")
        if isinstance(node, ast.Attribute):
            base = self._dotted(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def _look_at(self, node: ast.Name | ast.Attribute, dotted: str) -> bool:
        parts = dotted.split(".")
        paths = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        name = next((path for path in paths if path in _BY_NAME), "")
        habit = _BY_NAME.get(name)
        if isinstance(node, ast.Attribute) and node.attr in ASSERTIONS:
            habit, name = PROCESS_WIDE, node.attr
        if habit is None:
            return False
        owner = ".".join(self._owner)
        self.found.append(
            _Use(habit=habit, name=name, line=node.lineno, owner=owner, function=self._function)
        )
        return True


def _runs_alone(use: _Use, module: ModuleType, entries: Sequence[Planned]) -> bool:
    """Return whether all probes that may come by what is process-wide run while no other does."""
    if use.habit is not PROCESS_WIDE:
        return False
    owner: Any = module
    for part in filter(None, use.owner.split(".")):
        owner = getattr(owner, part, None)
    near = [entry for entry in entries if _is_near(entry, owner)]
    own = [entry for entry in near if entry.method == use.function]
    return all(_is_alone(entry) for entry in own or near)


def _is_near(entry: Planned, owner: Any) -> bool:
    """Return whether a probe is of a class or one derived from it, or of a module."""
    if entry.owner is None:
        return False
    case_class = entry.owner.case_class
    if isinstance(owner, ModuleType):
        return case_class.__module__ == owner.__name__
    return owner in case_class.__mro__


def _is_alone(entry: Planned) -> bool:
    return entry.marks.alone or (entry.owner is not None and entry.owner.has_module_fixture)
