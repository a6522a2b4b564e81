"""Projects whose probes plain unittest can run as well: CPython's own tests, and a matrix."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from support import Project

HERE = Path(__file__).parent

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
    test.test_abc test.test_argparse test.test_bisect
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

SHAPES = "from matrix.shapes import by_class_fixture, crossed, fill, act\n"
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

FOUND = {
    "fine": "import unittest\nclass Found(unittest.TestCase):\n    def test_it(self): pass\n",
    "skips": "import unittest\nraise unittest.SkipTest('not on this machine')\n",
    "broken": "import no_such_module_anywhere\n",
}


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


def source_of(name: str) -> str:
    """Return the source of a helper, to be copied into a project."""
    return (HERE / f"parity_{name}.py").read_text(encoding="utf-8")


def matrix(folder: Path) -> tuple[Project, list[str]]:
    """Write a project of generated probes; return it and its probe modules, in our order."""
    probes = {
        **{name: source_of(name) for name in ("awkward", "loaded", "told")},
        "crossed": f"{SHAPES}fill(globals(), crossed())\n",
        "not_importable": "import no_such_module_anywhere\n",
    }
    for name, source in MODULE_FIXTURES.items():
        probes[f"module_{name}"] = f"{SHAPES}{source}\nfill(globals(), by_class_fixture())\n"
    files = {f"matrix/probes/{name}.py": source for name, source in probes.items()}
    files["matrix/probes/__init__.py"] = ""
    files["matrix/shapes.py"] = source_of("shapes")
    for name, source in FOUND.items():
        files[f"matrix/found/found_{name}.py"] = source
    return Project.make(folder, files), [f"matrix.probes.{name}" for name in sorted(probes)]


SETS = {"cpython": cpython, "matrix": matrix}
