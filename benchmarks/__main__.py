"""``python -m benchmarks``: measure, print the table, say which rows are over their budget."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks import (
    environment,
    guarding,
    masking,
    processes,
    remotes,
    speed,
    start,
    streaming,
    table,
    targets,
    waiting,
    writing,
)
from benchmarks.lab import QUICK, Lab, Row, Scale, as_json

GROUPS: dict[str, Callable[[Lab], Iterator[Row]]] = {
    "start": start.start,
    "imports": start.imports,
    "trivial": speed.trivial,
    "mixed": speed.mixed,
    "large": speed.large,
    "writing": writing.writing,
    "masking": masking.masking,
    "waiting": waiting.waiting,
    "hanging": waiting.hanging,
    "crossing": processes.crossing,
    "profile": processes.profile,
    "targets": targets.targets,
    "streaming": streaming.streaming,
    "guarding": guarding.guarding,
    "remotes": remotes.remotes,
}
LOADED = 0.3
"""Load of a processor, by others, from which on figures are called disturbed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return 0, or 1 with ``--strict`` where a row is over its budget."""
    options = _parser().parse_args(argv)
    scale = QUICK if options.quick else Scale()
    if options.rounds:
        scale = replace(scale, rounds=options.rounds, peer_rounds=min(2, options.rounds))
    folder = environment.ROOT / ".bench" / f"venv-{platform.python_version()}"
    python = options.python and os.path.abspath(options.python)
    python = python or environment.interpreter(folder)
    about = {"machine": _machine(), "versions": environment.versions(python)}
    with tempfile.TemporaryDirectory(prefix="django-probe-bench-") as temporary:
        lab = Lab(Path(temporary), python, scale)
        rows = [row for name in options.rows for row in GROUPS[name](lab)]
    about["load"] = _load()
    _show(rows, lab, about)
    if options.json:
        options.json.write_text(json.dumps(_document(rows, lab, about), indent=2) + "\n")
    return int(options.strict and not all(row.within for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; tells nothing")
    parser.add_argument(
        "--rows",
        type=_groups,
        default=list(GROUPS),
        metavar="NAME[,NAME]",
        help=f"only these groups of rows: {', '.join(GROUPS)}",
    )
    parser.add_argument("--rounds", type=_positive, metavar="N", help="rounds of ours (default 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, for programs")
    parser.add_argument(
        "--python",
        metavar="PATH",
        help="an interpreter that has Django and the peers (default: a virtual environment"
        " of its own in .bench/, made at the first run)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit 1 when a row is over its budget"
    )
    return parser


def _groups(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}, expected some of {', '.join(GROUPS)}")
    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}, expected a whole number from 1 on")
    return int(text)


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors; {_load()}"


def _load() -> str:
    load = os.getloadavg()[0]
    disturbed = load > LOADED * (os.cpu_count() or 1)
    return f"load {load:.1f}" + (", disturbed by other work" if disturbed else "")


def _show(rows: list[Row], lab: Lab, about: dict[str, str]) -> None:
    print(f"{about['versions']}\n{about['machine']} before, {about['load']} after\n")
    print(*table.lines(rows), sep="\n")
    if any(not name.endswith(", once") for name in lab.samples):
        print("\nRaces, round by round in turn; ratios above are of the lowest CPU times:\n")
        print(*table.sample_lines(lab.samples), sep="\n")
    for name, why in lab.absent.items():
        print(f"\nNot measured: {name}, which {why}.")
    over = [row.what for row in rows if not row.within]
    print(f"\n{len(rows) - len(over)} of {len(rows)} rows are within their budgets.")
    for what in over:
        print(f"  over: {what}")


def _document(rows: list[Row], lab: Lab, about: dict[str, str]) -> dict[str, object]:
    samples = {
        race: {name: [asdict(sample) for sample in found] for name, found in contenders.items()}
        for race, contenders in lab.samples.items()
    }
    return {
        **about,
        "scale": asdict(lab.scale),
        "rows": [as_json(row) for row in rows],
        "samples": samples,
    }


if __name__ == "__main__":
    sys.exit(main())
