"""Foreign text in Markdown: as code, in which nothing is markup."""

from __future__ import annotations

import re

from django_probe.reporters._text_words import short
from django_probe.sanitizing import clean

__all__ = ["code", "fenced", "tail"]

ENTRY = 6_000
"""Characters of a traceback or an output that are shown: its end."""

# What Markdown, HTML, GitHub's formulas and emoji are made of. Mentions are none within code.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>&|~$#@!^\":]")
_FENCE = re.compile("`{3,}")


def code(text: str) -> str:
    """Return text as code on one line, wherever Markdown or HTML may stand."""
    told = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", short(text, 300))
    return f"<code>{told}</code>"


def fenced(text: str) -> str:
    """Return text as a block of code with a fence that it cannot end."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(text))])
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def tail(text: str) -> str:
    """Return the end of a text, where a traceback tells most.

    It is clean anew: a cut can begin a line with what was harmless in the middle of one.
    """
    return text if len(text) <= ENTRY else clean(f"[cut]\n{text[-ENTRY:]}")
