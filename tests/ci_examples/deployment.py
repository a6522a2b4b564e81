"""The demo shop, deployed as a real local server; and what an example finds around it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import ROOT

HERE = ROOT / "tests" / "ci_examples"
EXAMPLES = ROOT / "ci-examples"
MODULES = HERE / "node_modules"
TOKEN = "a-token-of-the-examples-that-nobody-knows"
RELEASE = "2026.3"


@dataclass(frozen=True)
class Deployment:
    """A shop that answers, whole or broken."""

    folder: Path
    url: str
    broken: bool

    def environment(self, **more: str) -> dict[str, str]:
        """Return what the shell of a CI server finds; the programs of ``bin`` come first."""
        here = Path(sys.executable).parent
        path = [str(HERE / "bin"), str(here), os.environ["PATH"]]
        own = {
            "PATH": os.pathsep.join(path),
            "REAL_PYTHON": sys.executable,
            "CLIENT": str(here / "django-probe-remote"),
            "CONTAINER": str(self.folder / "container"),
            "RELEASE": RELEASE,
            "PROBE_TOKEN": TOKEN,
            "PROBE_URL": f"{self.url}/probe/",
            "NO_PROXY": "127.0.0.1",
        }
        return {**self._shop(), **own, **more}

    def _shop(self) -> dict[str, str]:
        paths = [str(ROOT / "demo"), str(HERE / "site")]
        if "DJANGO_PROBE_TEST_INSTALLED" not in os.environ:
            paths.append(str(ROOT))
        own = {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "deployed",
            "SHOP_WORK": str(self.folder / "work"),
            "SHOP_URL": self.url,
            **({"SHOP_BROKEN": "1"} if self.broken else {}),
        }
        return {**os.environ, **own}

    def manage(self, *args: str) -> list[str]:
        """Return a command line of the shop's ``manage.py``."""
        return [sys.executable, str(ROOT / "demo" / "manage.py"), *args]


@contextmanager
def deployed(folder: Path, *, broken: bool, like: Path | None = None) -> Iterator[Deployment]:
    """Deploy the shop on a free port, with the data of another one; take it down again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    shop = Deployment(folder, f"http://127.0.0.1:{port}", broken)
    for part in ("container/app", "container/tmp"):
        (folder / part).mkdir(parents=True)
    (folder / "container/app/manage.py").symlink_to(ROOT / "demo" / "manage.py")
    if like is not None:
        shutil.copytree(like / "work", folder / "work")
    for args in [] if like else [["migrate"], ["load_shop"]]:
        subprocess.run(shop.manage(*args), env=shop.environment(), check=True, capture_output=True)
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            shop.manage("runserver", "--noreload", f"127.0.0.1:{port}"),
            env=shop.environment(),
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(shop, server)
        yield shop
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(shop: Deployment, server: subprocess.Popen[bytes]) -> None:
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 60
    while True:
        try:
            straight.open(shop.url, timeout=20).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            log = (shop.folder / "server.log").read_text()
            assert server.poll() is None, log
            assert time.monotonic() < end, log
            time.sleep(0.05)


def empty_container(shop: Deployment) -> None:
    """Throw away what an example has left in the container."""
    shutil.rmtree(shop.folder / "container" / "tmp")
    (shop.folder / "container" / "tmp").mkdir()
