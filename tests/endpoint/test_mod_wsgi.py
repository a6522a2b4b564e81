"""``/probe/`` in Apache: where it is, with a mod_wsgi for the Python of this test."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from serving import BASE, FILES, LAST, Server, free_port, until
from support import Project

APACHE = shutil.which("apache2", path=f"{os.environ['PATH']}:/usr/sbin")
MODULES = Path("/usr/lib/apache2/modules")
OURS = MODULES / f"mod_wsgi.so-{sys.version_info.major}.{sys.version_info.minor}"


def is_open_to_others(path):
    """Return whether every user may come to a file: Apache runs as another one than root."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


pytestmark = [
    pytest.mark.skipif(
        APACHE is None or not OURS.exists(),
        reason=f"no apache2, or no {OURS.name}: apt-get install libapache2-mod-wsgi-py3",
    ),
    pytest.mark.skipif(
        os.getuid() == 0 and not is_open_to_others(Path(sys.executable)),
        reason="this Python lies where only root may go, and Apache refuses to be root",
    ),
]

PROBES = """
    import sys, unittest
    class Quick(unittest.TestCase):
        def test_it(self):
            print(sys.executable, sys.prefix)
"""
CONFIGURATION = """
ServerRoot {modules.parent}
ServerName localhost
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule wsgi_module modules/{ours}
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
WSGISocketPrefix {folder}/wsgi
WSGIPassAuthorization On
WSGIApplicationGroup %{{GLOBAL}}
WSGIScriptAlias / {folder}/web_app.wsgi
<Directory />
    Require all granted
</Directory>
"""
PLACES = {
    "daemon": """
WSGIDaemonProcess shop python-home={prefix} python-path={path} home={folder} threads=4
WSGIProcessGroup shop
""",
    "embedded": """
WSGIPythonHome {prefix}
WSGIPythonPath {path}
""",
}


@contextlib.contextmanager
def apache(project, place):
    """Serve a project by Apache; as another user where this one is root, whom it refuses."""
    folder, port = project.folder, free_port()
    path = f"{folder}:{project.environment().get('PYTHONPATH', folder)}"
    text = (CONFIGURATION + PLACES[place]).format(
        modules=MODULES, ours=OURS.name, port=port, folder=folder, prefix=sys.prefix, path=path
    )
    if os.getuid() == 0:
        text += "User nobody\nGroup nogroup\n"
        folder.parent.chmod(0o755)
    project.write("web_app.wsgi", "from web import wsgi as application\n")
    project.write("apache.conf", text)
    command = [APACHE, "-DFOREGROUND", "-f", str(folder / "apache.conf")]
    process = subprocess.Popen(command, start_new_session=True, cwd="/")
    server = Server(project, process, port)
    try:
        until(lambda: answers(server), what="Apache does not answer")
        yield server
    finally:
        server.stop()


def answers(server):
    with contextlib.suppress(OSError):
        return server.ask("/bare/").status == 200


@pytest.mark.parametrize("place", PLACES)
def test_under_mod_wsgi_the_interpreter_is_found(place):
    files = {**FILES, "shop/probes.py": PROBES}
    # Not pytest's folder, which it keeps shut for others.
    with tempfile.TemporaryDirectory() as folder:
        project = Project.make(Path(folder) / "project", files, BASE + LAST)
        with apache(project, place) as server:
            ask(server)


def ask(server):
    answer = server.ask("/probe/")
    assert answer.status == 200, answer.text
    executable, prefix = answer.json()["results"][0]["stdout"].split()
    assert (Path(executable).parent, prefix) == (Path(sys.prefix) / "bin", sys.prefix)
    assert server.ask(token="wrong").status == 401
    with server.stream("/probe/?stream=1&fresh=1") as response:
        assert b'"run_finished"' in response.read().splitlines()[-1]
    until(lambda: not server.children())
