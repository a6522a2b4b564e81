"""Cases of one name are numbered: readers of JUnit drop all but one of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

__all__ = ["BEGIN", "numbering"]

BEGIN = "\x01"
"""What a case begins with until it is numbered: no text of a record has it."""
_HEAD = re.compile(f'{BEGIN}(<testcase classname="[^"]*" name="[^"]*)')


def numbering() -> Callable[[str], str]:
    """Return what numbers the cases of a suite that have one name: readers drop all but one.

    It is given their XML in the order of the plan, not in that in which several workers
    came to them: so a case has the same name in each build.
    """
    seen: Counter[str] = Counter()

    def number(found: re.Match[str]) -> str:
        head = found[1]
        seen[head] += 1
        return head if seen[head] == 1 else f"{head} ({seen[head]})"

    def numbered(text: str) -> str:
        heads = _HEAD.findall(text)
        if len(set(heads)) < len(heads) or not seen.keys().isdisjoint(heads):
            return _HEAD.sub(number, text)
        seen.update(heads)  # No two have one name, as nearly always.
        return text.replace(BEGIN, "")

    return numbered
