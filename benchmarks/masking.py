"""Rows on what it costs to look for secrets where there are none."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from benchmarks.lab import CHILDREN, Lab, Row
from benchmarks.measuring import Failed

__all__ = ["masking"]

KNOWN = 20
"""Secrets that the redactor knows: settings and environment of a usual project."""


def masking(lab: Lab) -> Iterator[Row]:
    """Time of a result in whose texts nothing matches."""
    print("masking", file=sys.stderr)
    project = lab.project(["pass"])
    script = (str(CHILDREN / "redaction.py"), str(lab.scale.many // 5), str(KNOWN))
    sample = lab.once(f"redaction.py {lab.scale.many}", project, script, 600)
    told = (project.folder / "output.txt").read_text(errors="replace")
    if sample.code:
        raise Failed(f"redaction.py ended with {sample.code}:\n{told[:2000]}")
    for kind, about in (
        ("passed", "id, description, source, tags"),
        ("failed", "these, message and traceback"),
    ):
        yield Row(
            what=f"looking for secrets in a result that {kind}, none there",
            budget=5.0,
            value=json.loads(told)[kind],
            unit="us",
            note=f"{KNOWN} secrets known; {about}",
        )
