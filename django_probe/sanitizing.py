"""Make what a probe says harmless to whatever reads it.

Probes, and the systems they ask, can put anything in a message: escape
sequences that rewrite a terminal, ``::error::`` that a GitHub log takes for a
command, half of a surrogate pair that no encoder accepts. Each string of a
record passes through here once, before an event exists.
"""

from __future__ import annotations

import re

__all__ = ["clean", "one_line"]

# ECMA-48: CSI, OSC and other strings (to BEL or ST, or to the end), two-character sequences.
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# XML 1.0's Char, less C1 controls; \t and \n stay. Bidirectional overrides can hide text.
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
    "\U0001fffe\U0001ffff\U0010fffe\U0010ffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# GitHub's runner reads a command after leading blanks, and `##[` anywhere; so do
# Azure (`##vso[`) and TeamCity (`##teamcity[`). GitLab folds at `section_start:`.
_COMMANDS = re.compile(
    r"^([ \t]*)(?=::|section_(?:start|end):)|(?=##(?:vso|teamcity)?\[)", re.MULTILINE
)
# One look that tells most strings need nothing at all: printable ASCII with no `:` at its start.
_HARMLESS = re.compile(r"(?![ \t]*:|[ \t]*section_)[\t -\"$-~]*\Z")


def clean(text: str) -> str:
    """Return text without control characters, escape sequences or log commands.

    Newlines of every kind become ``\\n``, tabs stay, a lone surrogate becomes
    U+FFFD, and a backslash is put before what a CI log would take for a command.
    The result is legal XML 1.0 and can be encoded as UTF-8.
    """
    if _HARMLESS.match(text):
        return text
    text = _NEWLINES.sub("\n", _ANSI.sub("", text))
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    return _COMMANDS.sub(r"\g<1>\\", text)


def one_line(text: str) -> str:
    """Return cleaned text with its newlines and runs of blanks folded into one space."""
    return " ".join(text.split())
