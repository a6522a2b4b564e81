"""Make what a probe says harmless to whatever reads it.

Probes, and the systems they ask, can put anything in a message: escape
sequences that rewrite a terminal, ``::error::`` that a GitHub log takes for a
command, half of a surrogate pair that no encoder accepts. Each string of a
record passes through here once, before an event exists.
"""

from __future__ import annotations

import re

__all__ = ["clean", "is_clean", "one_line"]

# ECMA-48: CSI; OSC and other strings, to BEL or ST; two-character sequences. A string that
# is not ended is taken for ended by the line: else one byte would hide all that follows.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\r\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
)
_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# What XML 1.0's Char leaves out, and the C1 controls; \t and \n stay. Bidirectional
# overrides can hide text.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# GitHub's runner reads a command after blanks of any kind, and `##[` anywhere; so do
# Azure (`##vso[`) and TeamCity (`##teamcity[`). GitLab folds at `section_start:`.
_LINE_COMMAND = re.compile(r"^([^\S\n]*)(?=::|section_(?:start|end):)", re.MULTILINE)
_COMMAND = re.compile(r"##(?=(?:vso|teamcity)?\[)")

_PLAIN = (bytes(range(0x20, 0x7F)) + b"\t\n").translate(None, b":#")


def clean(text: str) -> str:
    """Return text without control characters, escape sequences or log commands.

    Line ends of every kind become newlines, tabs stay, a lone surrogate becomes
    U+FFFD, and a backslash breaks what a CI log would take for a command.
    The result is legal XML 1.0 and can be encoded as UTF-8; cleaning it again
    changes nothing.
    """
    if is_clean(text):
        return text
    text = _NEWLINES.sub("\n", _ANSI.sub("", text))
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    return _COMMAND.sub(r"#\\#", _LINE_COMMAND.sub(r"\g<1>\\", text))


def is_clean(text: str) -> bool:
    """Return whether a quick look tells that ``clean`` has nothing to do; True for most text."""
    if not text.isascii():
        return False
    rest = text.encode("ascii").translate(None, _PLAIN)
    if rest.strip(b":#"):
        return False
    # Two of them at least, or there is no `::` and no `##`.
    suspects = ("::", "##", "section_") if len(rest) > 1 else ("section_",)
    for suspect in suspects:
        if suspect in text:
            return False
    return True


def one_line(text: str) -> str:
    """Return cleaned text with its newlines and runs of blanks folded into one space."""
    return " ".join(text.split())
