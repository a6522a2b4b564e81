"""A real Chromium, driven by Playwright, for the tests of the page."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

AXE = ROOT / "tests/consumers/node_modules/axe-core/axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Start the system's Chromium; skip the test where it, or Playwright, is missing."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install -e '.[browser]'"
    )
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def visiting(browser: Any, url: str, *, expected: str = "favicon", **options: Any) -> Iterator[Any]:
    """Open a page; it fails the test when the console told an error, or a script broke.

    Args:
        expected: a pattern in the addresses of which errors are.
    """
    context = browser.new_context(**{"viewport": SIZES["desktop"], **options})
    context.set_default_timeout(30_000)
    page = context.new_page()
    said: list[str] = []

    def listen(message: Any) -> None:
        # Chromium tells of each document that comes with 503, say, which is what ours means.
        of_document = message.location["url"] == page.url.partition("#")[0]
        known = of_document and message.text.startswith("Failed to load resource")
        # The admin's own page is bare where nobody serves static files.
        known = known or re.search(rf"/admin/|{expected}", message.location["url"])
        if message.type in ("error", "warning") and not known:
            said.append(f"{message.text} ({message.location['url']})")

    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    assert not said, said


def complaints(page: Any) -> list[str]:
    """Return what axe-core finds wrong with a page, best practices included."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make consumers")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {node['html']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def in_every_look(page: Any) -> Iterator[str]:
    """Show a page light and dark, on desktop and phone; yield what that is called."""
    for name, size in SIZES.items():
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            yield f"{name}, {scheme}"


def written(folder: Path, text: str) -> str:
    """Write a page into a file; return its address."""
    path = folder / "probes.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()
