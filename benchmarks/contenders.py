"""Who runs the probes of a project: we, the floor, the peers."""

from __future__ import annotations

from benchmarks.lab import CHILDREN
from benchmarks.measuring import Contender
from benchmarks.projects import Project

__all__ = ["FLOOR", "check", "django", "floor", "ours", "pytest", "tap_runner", "xmlrunner"]

FLOOR = "floor"
PROOFS = {
    # A pattern, and whether each probe must match it.
    "text": (r"\b{total}\b", False),
    "tap": (r"^(not )?ok ", True),
    "jsonl": (r'"event": "probe_finished"', True),
    "junit": (r"<testcase ", True),
    "json": (r'^\{{"id": ', True),
    "silent": ("", False),
    "ctrf": (r'^\{{"name": ', True),
    "github": ("", False),
    "html": ('class="row"', True),
    "markdown": (r"\b{total}\b", False),
    "nagios": (r"\b{total}\b", False),
    "openmetrics": (r"^django_probe_ok\{{", True),
}
XMLRUNNER = "xmlrunner.extra.djangotestrunner.XMLTestRunner"


def floor(project: Project, codes: tuple[int, ...] = (0,)) -> Contender:
    """Return ``django.setup()`` and ``unittest.TextTestRunner``."""
    return Contender(
        name=FLOOR,
        argv=(str(CHILDREN / "floor.py"), *project.modules),
        proof=rf"^Ran {project.size} test",
        codes=codes,
    )


def ours(project: Project, name: str, *args: str, codes: tuple[int, ...] = (0,)) -> Contender:
    """Return ``manage.py probe`` with a format."""
    pattern, each = PROOFS[name]
    total = f"{project.size}|{project.size:,}"
    return Contender(
        name=f"probe {name}",
        argv=("manage.py", "probe", "--format", name, *args),
        proof=pattern.format(total=f"({total})"),
        proofs=project.size if each else 1,
        codes=codes,
    )


def check() -> Contender:
    """Return ``manage.py check``."""
    return Contender(name="manage.py check", argv=("manage.py", "check"), proof="no issues")


def django(project: Project, *args: str, codes: tuple[int, ...] = (0,)) -> Contender:
    """Return ``manage.py test``; there are no databases to make for plain test cases."""
    return Contender(
        name=" ".join(("manage.py test", *args)),
        argv=("manage.py", "test", *args, *project.modules),
        proof=rf"^Ran {project.size} test",
        codes=codes,
        peer=True,
    )


def xmlrunner(project: Project, codes: tuple[int, ...] = (0,)) -> Contender:
    """Return ``manage.py test`` with unittest-xml-reporting's runner for Django."""
    return Contender(
        name="xmlrunner",
        argv=("manage.py", "test", "--testrunner", XMLRUNNER, *project.modules),
        needs="xmlrunner",
        proof=rf"^Ran {project.size} test",
        codes=codes,
        peer=True,
    )


def tap_runner(project: Project, codes: tuple[int, ...] = (0,)) -> Contender:
    """Return tap.py's runner, streaming."""
    return Contender(
        name="tap.py",
        argv=(str(CHILDREN / "tap_runner.py"), *project.modules),
        needs="tap",
        proof="^(not )?ok ",
        proofs=project.size,
        codes=codes,
        peer=True,
    )


def pytest(project: Project, *args: str, codes: tuple[int, ...] = (0,)) -> Contender:
    """Return pytest, without Django and without a plugin that is not asked for."""
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *args)
    plugins = {"-n": "xdist", "--tap": "pytest_tap"}
    return Contender(
        name=" ".join(("pytest", *_shown(args))),
        argv=(*command, *project.files),
        needs=next((plugins[arg] for arg in args if arg in plugins), "pytest"),
        proof="" if "--tap" in args else r"\d passed",
        codes=codes,
        warm_up=(*command, "--collect-only", "-q", *project.files),
        peer=True,
    )


def _shown(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return arguments without the plugins they load."""
    return tuple(
        arg.partition("=")[0]
        for number, arg in enumerate(args)
        if arg != "-p" and (number == 0 or args[number - 1] != "-p")
    )
