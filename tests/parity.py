"""Run the same tests by plain unittest and by us, each in a process of its own, at once.

``python tests/parity.py`` prints the counts; the suite holds them in ``test_parity.py``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity_rules import Comparison, compare
from support import Project

HERE = Path(__file__).parent
TIMEOUT = 300
"""Seconds for each side: ten times what they take."""

MODULES = """
    test.test_itertools test.test_json test.test_copy test.test_scope test.test_yield_from
    test.test_enumerate test.test_fileio test.test_memoryio test.test_sqlite3 test.test_functools
    test.test_contextlib test.test_contextlib_async test.test_codecs test.test_types
    unittest.test.test_assertions unittest.test.test_case unittest.test.test_functiontestcase
    unittest.test.test_loader unittest.test.test_result unittest.test.test_skipping
    unittest.test.test_suite
    test.test_unittest.test_assertions test.test_unittest.test_case
    test.test_unittest.test_functiontestcase test.test_unittest.test_loader
    test.test_unittest.test_result test.test_unittest.test_skipping
    test.test_unittest.test_suite
    test.test_abc test.test_argparse test.test_asyncio.test_queues test.test_bisect
    test.test_bool test.test_configparser test.test_csv test.test_defaultdict
    test.test_except_star test.test_fractions test.test_genericpath test.test_gettext
    test.test_grammar test.test_hmac test.test_html test.test_htmlparser
    test.test_http_cookies test.test_index test.test_ipaddress test.test_iterlen
    test.test_locale test.test_minidom test.test_named_expressions test.test_netrc
    test.test_ntpath test.test_operator test.test_optparse test.test_patma test.test_plistlib
    test.test_posixpath test.test_pprint test.test_property test.test_raise test.test_reprlib
    test.test_sax test.test_shlex test.test_string test.test_super test.test_textwrap
    test.test_tomllib test.test_type_params test.test_urlparse test.test_userdict
    test.test_uuid test.test_warnings test.test_with test.test_zipapp test.test_typing
    test.test_dataclasses test.test_enum
""".split()
"""CPython's own test modules, as far as a Python has them (unittest's own ones moved in 3.12).

Those that collect garbage often come first, while there is little of it. Left out are modules that

- cannot work outside of the main thread, for our probes run in a worker: they set signal
  handlers (test_builtin, test_largefile, test_pty, test_threading, test_wsgiref);
- look at the whole process: the handlers of its root logger (test_logging), the number of all its
  objects (test_descr);
- take long: they start processes, sleep, or collect garbage in most of their tests (test_array,
  test_asyncio, test_dict, test_email, test_inspect, test_traceback, test_unittest as a whole, …).
"""

CPYTHON = """
    import gc
    from test import support

    support.use_resources = []  # No network, no sound, nothing that takes long.

    def load_tests(loader, standard, pattern):
        suite = loader.loadTestsFromNames({names!r})
        gc.freeze()  # Many tests collect garbage: they need not go through these thousands.
        return suite
"""

SHAPES = "from {app}.shapes import by_class_fixture, crossed, fill, act\n"
MODULE_FIXTURES = {
    "ok": "def setUpModule(): pass",
    "set_up_errors": "def setUpModule(): act('errors', 'setUpModule')",
    "set_up_skips": "def setUpModule(): act('skips', 'setUpModule')",
    "set_up_and_cleanup_error": (
        "import unittest\n"
        "def setUpModule():\n"
        "    unittest.addModuleCleanup(act, 'errors', 'a module cleanup')\n"
        "    act('errors', 'setUpModule')"
    ),
    "tear_down_errors": "def tearDownModule(): act('errors', 'tearDownModule')",
    "tear_down_skips": "def tearDownModule(): act('skips', 'tearDownModule')",
    "cleanup_errors": (
        "import unittest\n"
        "def setUpModule():\n"
        "    unittest.addModuleCleanup(act, 'errors', 'a module cleanup')"
    ),
}


@dataclass
class Parity:
    """How one set of tests came out."""

    comparison: Comparison
    plain_seconds: float
    """Of the run alone, in unittest."""
    our_seconds: float
    """Of the run alone, in ours."""
    seconds: float
    """From the start of both processes to the end of both."""
    plain: dict[str, Any]
    results: list[dict[str, Any]]

    @property
    def modules(self) -> set[str]:
        """Return the modules that the tests' classes were written in."""
        return {record["module"] for record in self.plain["records"]}


def cpython(folder: Path) -> tuple[Project, list[str]]:
    """Write a project whose probes are CPython's own tests; return it and its modules."""
    source = CPYTHON.format(names=[name for name in MODULES if _is_there(name)])
    return Project.make(folder, {"cpython/probes.py": source}), ["cpython.probes"]


def has_cpython() -> bool:
    """Return whether this Python comes with CPython's own tests; not all distributions' do."""
    return _is_there("test.test_enum") and _is_there("test.support")


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # Not even what it lies in.
        return False


def matrix(folder: Path) -> tuple[Project, list[str]]:
    """Write a project of generated probes; return it and its probe modules, in our order."""
    shapes = SHAPES.format(app="matrix")
    probes = {
        "awkward": (HERE / "parity_awkward.py").read_text(encoding="utf-8"),
        "crossed": f"{shapes}fill(globals(), crossed())\n",
        "not_importable": "import no_such_module_anywhere\n",
    }
    for name, source in MODULE_FIXTURES.items():
        probes[f"module_{name}"] = f"{shapes}{source}\nfill(globals(), by_class_fixture())\n"
    files = {f"matrix/probes/{name}.py": source for name, source in probes.items()}
    files["matrix/probes/__init__.py"] = ""
    files["matrix/shapes.py"] = (HERE / "parity_shapes.py").read_text(encoding="utf-8")
    return Project.make(folder, files), [f"matrix.probes.{name}" for name in sorted(probes)]


def run_both(project: Project, modules: list[str]) -> Parity:
    """Run both sides at once and compare what they tell."""
    beside = project.folder / "beside"
    beside.mkdir()
    began = time.monotonic()
    with _started_plain(project, beside, modules) as plain:
        ours = project.probe(
            "--format", "jsonl", "--timeout", "120", timeout=TIMEOUT, env={"PYTHONHASHSEED": "0"}
        )
        said, _ = plain.communicate(timeout=TIMEOUT)
    seconds = time.monotonic() - began
    assert plain.returncode == 0, said[-3000:]
    assert ours.returncode in (0, 1), f"exit code {ours.returncode}: {ours.stderr[-3000:]}"
    events = [json.loads(line) for line in ours.stdout.splitlines()]
    written = json.loads((beside / "plain.json").read_text(encoding="utf-8"))
    return Parity(
        comparison=compare(written, events),
        plain_seconds=written["seconds"],
        our_seconds=events[-1]["summary"]["duration"],
        seconds=seconds,
        plain=written,
        results=[event["result"] for event in events if event["event"] == "probe_finished"],
    )


@contextlib.contextmanager
def _started_plain(
    project: Project, beside: Path, modules: list[str]
) -> Iterator[subprocess.Popen[str]]:
    """Start plain unittest in a folder of its own: tests leave files where they run."""
    script = project.write(
        "beside/parity_plain.py", (HERE / "parity_plain.py").read_text(encoding="utf-8")
    )
    env = project.environment(PYTHONHASHSEED="0", DJANGO_SETTINGS_MODULE="settings")
    env["PYTHONPATH"] = f"{project.folder}:{env.get('PYTHONPATH', '')}"
    process = subprocess.Popen(
        [sys.executable, str(script), "plain.json", *modules],
        cwd=beside,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


SETS = {"cpython": cpython, "matrix": matrix}


def main(*names: str) -> None:
    """Print the counts of both sets, or of one: ``cpython``, ``matrix``."""
    for build in [SETS[name] for name in names or SETS]:
        with tempfile.TemporaryDirectory() as folder:
            parity = run_both(*build(Path(folder)))
        found = parity.comparison
        say = sys.stdout.write
        say(f"{build.__name__}: {found.tests} tests and {found.subtests} sub-tests of")
        say(f" {len(parity.modules)} modules, {len(found.differences)} differences;")
        say(f" unittest {parity.plain_seconds:.1f} s, ours {parity.our_seconds:.1f} s,")
        say(f" both processes {parity.seconds:.1f} s\n")
        for rule, count in found.rules.most_common():
            say(f"  {count:6} {rule}\n")
        for difference in found.differences:
            say(f"  {difference}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
