"""Open the shop in three places, ask all of them at once, and show what one report makes of it.

It needs Python, Django and django-probe with its extra ``remote``: see demo/README.md.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import processes
import run
from processes import DemoFailed, Shop, short

NEW, OLD = "2026.11", "2026.10"
PLACES = {"eu": NEW, "us": NEW, "asia": OLD}
"""Where the shop is open -> the release there."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the demo; return its exit code."""
    work = Path(arguments[0] if arguments else processes.DEMO.parent / ".demo" / "targets")
    run.need("django", "django_probe", "urllib3")
    run.prepare_process()
    try:
        show(work.resolve())
    except DemoFailed as exc:
        print(f"\nThe demo failed: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the shops are closed.", file=sys.stderr)
        return 130
    return 0


def show(work: Path) -> None:
    """Open the shops, ask them twice, and say what came of it.

    Raises:
        DemoFailed: it did not go as expected.
    """
    token = secrets.token_urlsafe()
    shops = {alias: opened_at(work / alias, release, token) for alias, release in PLACES.items()}
    run.say("1. Prepare a shop in three places; asia has not got the new release yet")
    prepare(shops)
    with contextlib.ExitStack() as stack:
        urls = [f"{a}={stack.enter_context(processes.opened(shop))}" for a, shop in shops.items()]
        run.say("2. Ask all three at once, from outside: no Django project is needed for this")
        junit = work / "probes.xml"
        code = ask(token, *urls, "--report", f"junit={short(junit)}")
        expect(code, 1, "asia lacks a migration")
        read(junit)
        run.say(f"3. The same as the gate of a deploy: nothing counts but release {NEW}")
        code = ask(token, *urls, "--expect-release", NEW, "-v", "0")
        expect(code, 4, "asia serves another release")
    run.say("The shops are closed; nothing is left running. Exit codes 1 and 4, as expected.")


def prepare(shops: Mapping[str, Shop]) -> None:
    """Fill one shop, and open the others with the same goods.

    Raises:
        DemoFailed: a work folder or a database refuses.
    """
    first = next(iter(shops.values()))
    for step in (["migrate"], ["load_shop"]):
        processes.manage(first, *step)
    for alias, shop in shops.items():
        if shop is not first:
            shutil.copytree(first.work, shop.work, dirs_exist_ok=True)
        if PLACES[alias] == OLD:
            processes.manage(shop, "migrate", "orders", "0001")
        print(f"   {alias}: release {PLACES[alias]}, {short(shop.work)}/")


def opened_at(work: Path, release: str, token: str) -> Shop:
    """Return a shop in a work folder of its own."""
    work.mkdir(parents=True, exist_ok=True)
    more = {"PROBE_RELEASE": release, "SHOP_PROBE_TOKEN": token}
    return Shop(work, "shop.settings", more)


def ask(token: str, *arguments: str) -> int:
    """Run the client; return its exit code."""
    shown = " \\\n       ".join(["django-probe-remote", *arguments[:3], " ".join(arguments[3:])])
    print(f"   $ {shown}", end="\n\n", flush=True)
    command = [sys.executable, "-m", "django_probe.client", *arguments]
    code = processes.watched(command, {**os.environ, "PROBE_TOKEN": token})
    print(f"\n   exit code {code}")
    return code


def expect(code: int, wanted: int, why: str) -> None:
    """Return if an exit code is the expected one.

    Raises:
        DemoFailed: it is not.
    """
    if code != wanted:
        raise DemoFailed(f"exit code {code}, expected {wanted}: {why}")


def read(junit: Path) -> None:
    """Show what a CI server reads in the one report of all three.

    Raises:
        DemoFailed: it is not there, or has not all of them.
    """
    try:
        suites = ET.parse(junit).getroot().findall("testsuite")  # noqa: S314 - we wrote it
    except (OSError, ET.ParseError) as exc:
        raise DemoFailed(f"the report cannot be read: {exc!r}") from exc
    places: Counter[str] = Counter()
    red: Counter[str] = Counter()
    for suite in suites:
        place = str(suite.get("name")).partition(".")[0]
        places[place] += int(suite.get("tests", 0))
        red[place] += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    told = ", ".join(f"{place} {n} ({red[place]} not ok)" for place, n in sorted(places.items()))
    print(f"   {short(junit)}: {told}")
    if not set(PLACES) <= set(places):
        raise DemoFailed("the report has not all of them")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
