"""What the shop's page probes share: a visitor's way in, over real HTTP."""

from __future__ import annotations

import unittest
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings
from django.utils.html import escape

PATIENCE = 8.0
"""Seconds without a byte before the connection is given up; a probe's ``@timeout`` is shorter."""

# Straight to the deployment, whatever proxies the environment names.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Page:
    """What the shop answered, errors too."""

    path: str
    status: int
    text: str

    def shows(self, text: str) -> bool:
        """Return whether a visitor can read this text on the page."""
        return escape(text) in self.text


def get(path: str) -> Page:
    """Ask the deployment for a page, as a browser does; a whole URL may be elsewhere.

    Raises:
        ConnectionError: nobody answers there.
    """
    url = urljoin(settings.SHOP_URL, path)
    try:
        with _opener.open(url, timeout=PATIENCE) as answer:
            return Page(path, answer.status, answer.read().decode())
    except urllib.error.HTTPError as answer:
        with answer:
            return Page(path, answer.code, answer.read().decode(errors="replace"))
    except urllib.error.URLError as exc:
        raise ConnectionError(f"nobody answers at {url}: {exc.reason}") from None


class PageProbe(unittest.TestCase):
    """A probe class that visits pages."""

    def visit(self, path: str, *, status: int = 200) -> Page:
        """Return a page; fail if it answers with another status."""
        page = get(path)
        if page.status != status:
            self.fail(f"GET {path} answered {page.status}, expected {status}")
        return page

    def assert_shows(self, page: Page, text: str) -> None:
        """Fail, in one line, if a page does not show a text."""
        if not page.shows(text):
            self.fail(f"GET {page.path} does not show {text!r}")
