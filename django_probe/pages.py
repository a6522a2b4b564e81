"""Templates and assets of the page for people: one set for the endpoint and the ``html`` report.

Django's template engine, with nothing of the project's: no settings, no
context processors, no template of another app in place of ours. So it works
without ``django.setup()``, and a report looks the same wherever it is made.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

from django.template import Context, Engine

__all__ = [
    "ASSETS",
    "PAGE_POLICY",
    "Shaped",
    "Stencil",
    "asset",
    "escaped",
    "file_policy",
    "hole",
    "render",
]

_HERE = Path(__file__).resolve().parent
_STATIC = _HERE / "static"

ASSETS = {"report.css": "text/css; charset=utf-8", "report.js": "text/javascript; charset=utf-8"}
"""Our static files, in the folder ``django_probe``, with their content types."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""The Content-Security-Policy of a page that links its assets."""


SHAPES = 200
"""Shapes that are remembered of a template."""
LEAVES = 100
"""Texts of a shape that is remembered."""

_special = re.compile("[&<>\"']").search


@cache
def _engine() -> Engine:
    # The assets are found too, so that a file can include them as they are.
    return Engine(dirs=[str(_HERE / "templates"), str(_STATIC)], autoescape=True)


def render(name: str, values: Mapping[str, object]) -> str:
    """Return a template of ours, filled; every value that is not ours is text, and escaped."""
    return str(_engine().get_template(f"django_probe/{name}").render(Context(dict(values))))


_NONCE = secrets.token_hex(8)
"""Nobody can guess it, and it is in no page: a text among the values cannot make a hole."""


def hole(name: str) -> str:
    """Return what stands among the values of a ``Stencil`` for what differs."""
    return f"{_NONCE}{name}."


class Stencil:
    """A template rendered once, with holes: what is alike but for a few texts is cheap then.

    Args:
        name: of the template.
        values: of its variables, some of them a ``hole``: it may only print those.
    """

    def __init__(self, name: str, values: Mapping[str, object]) -> None:
        parts = re.split(f"{_NONCE}(\\w+)\\.", render(name, values))
        self._texts, self._holes = parts[::2], parts[1::2]
        self._format = _format(self._texts)

    def fill(self, markup: Mapping[str, str]) -> str:
        """Return the text with its holes filled; what goes in has to be escaped."""
        return self._format % tuple([markup[name] for name in self._holes])

    def around(self, name: str, markup: Mapping[str, str]) -> tuple[str, str]:
        """Return what stands before and after one hole, the others filled."""
        at = self._holes.index(name)
        before, after = self._holes[:at], self._holes[at + 1 :]
        return (
            _format(self._texts[: at + 1]) % tuple([markup[name] for name in before]),
            _format(self._texts[at + 1 :]) % tuple([markup[name] for name in after]),
        )


class Shaped:
    """A template that is rendered once for each shape of its values: fast where few occur.

    The shape is which texts are empty, and how many items a list has. So the
    template may print a text and ask whether there is one, and nothing else.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._stencils: dict[object, Stencil] = {}

    def render(self, values: Mapping[str, object]) -> str:
        """Return the template, filled."""
        texts: dict[str, str] = {}
        shape = _shape(values, texts)
        stencil = self._stencils.get(shape)
        if stencil is None:
            if len(self._stencils) >= SHAPES or len(texts) > LEAVES:
                return render(self._name, values)
            marked = _marked(values, iter(texts))
            assert isinstance(marked, dict)
            stencil = self._stencils[shape] = Stencil(self._name, marked)
        return stencil.fill(texts)


def _shape(value: object, texts: dict[str, str]) -> object:
    """Return the shape of a value; collect its texts, escaped, by number."""
    if isinstance(value, str):
        if value:
            texts[f"{len(texts)}"] = escaped(value)
        return bool(value)
    if isinstance(value, Mapping):
        value = value.values()
    assert isinstance(value, Iterable)
    return tuple([_shape(item, texts) for item in value])


def _marked(value: object, names: Iterator[str]) -> object:
    """Return a value with a hole for each of its texts."""
    if isinstance(value, str):
        return hole(next(names)) if value else ""
    if isinstance(value, Mapping):
        return {key: _marked(item, names) for key, item in value.items()}
    assert isinstance(value, Iterable)
    return [_marked(item, names) for item in value]


def _format(texts: Sequence[str]) -> str:
    return "%s".join([text.replace("%", "%%") for text in texts])


def escaped(text: str) -> str:
    """Return text as HTML, fit for attributes too."""
    return escape(text) if _special(text) else text


def asset(name: str) -> bytes:
    """Return one of our static files.

    Raises:
        KeyError: there is no such file.
    """
    if name not in ASSETS:
        raise KeyError(name)
    return (_STATIC / "django_probe" / name).read_bytes()


@cache
def file_policy() -> str:
    """Return the Content-Security-Policy of a file that holds its assets: by their hashes."""
    return (
        f"default-src 'none'; script-src {_hash('report.js')}; style-src {_hash('report.css')};"
        " img-src data:; form-action 'none'; base-uri 'none'"
    )


def _hash(name: str) -> str:
    digest = base64.b64encode(hashlib.sha256(asset(name)).digest()).decode()
    return f"'sha256-{digest}'"
