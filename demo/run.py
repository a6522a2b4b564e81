"""Open a small shop, probe it, and show what the reports say; ``--broken`` shows a red gate.

It needs Python, Django and django-probe, and no other server: see demo/README.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import processes
import report_files
from processes import DemoFailed, Shop, short

FAULTS: Mapping[str, str] = {
    "shop.Database.test_every_migration_is_applied": "The deploy forgot a migration.",
    "catalog.Pages.test_product_page_shows_the_price": "A page answers 500.",
    "catalog.Pages.test_search_finds_a_product_by_its_name": "A view hangs.",
}
"""The probe that must notice each fault of ``--broken``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the demo; return its exit code."""
    options = parse(arguments)
    need("django", "django_probe")
    prepare_process()
    shop = Shop(options.work.resolve(), "shop.broken" if options.broken else "shop.settings")
    try:
        return show(shop, broken=options.broken)
    except DemoFailed as exc:
        print(f"\nThe demo failed: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the shop is closed.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Nobody reads on: end without a word.
        return 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; the broken shop has a work folder of its own."""
    parser = argparse.ArgumentParser(
        description="Open a small shop, probe it, and show what the reports say.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--broken", action="store_true", help="break the shop three ways, and show a red gate"
    )
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="where the shop writes (default: .demo)"
    )
    options = parser.parse_args(arguments)
    if options.work is None:
        work = processes.DEMO.parent / ".demo"
        options.work = work / "broken" if options.broken else work
    return options


def need(*packages: str) -> None:
    """Leave with a word of advice if a package cannot be imported."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            print(
                f"{package} is not installed for {sys.executable}: run 'make demo', or"
                " 'pip install -e .' in the checkout first.",
                file=sys.stderr,
            )
            sys.exit(2)


def prepare_process() -> None:
    """Close the shop when a signal ends us; print on any terminal, whatever its encoding."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def show(shop: Shop, *, broken: bool) -> int:
    """Prepare, open, probe and close the shop; say what came of it.

    Raises:
        DemoFailed: it did not go as expected.
    """
    state = "broken three ways" if broken else "as it should be"
    print(f"A small shop, {state}: settings {shop.settings}, work folder {short(shop.work)}/")
    prepare(shop, forget_migration=broken)
    code = open_and_probe(shop)
    read_reports(shop, code)
    tell_what_does_not_block(shop)
    if broken:
        explain_red(shop, code)
        return 0
    if code:
        raise DemoFailed(
            f"exit code {code}, expected 0: the probes above say why, and {short(shop.log)}."
            f" To begin anew, delete {short(shop.work)}/"
        )
    say("Exit code 0: the gate is green, the deploy goes on. 'make demo-broken' shows a red one.")
    return 0


def prepare(shop: Shop, *, forget_migration: bool) -> None:
    """Bring the database up to date and fill it; old reports go.

    Raises:
        DemoFailed: the work folder or the database refuses.
    """
    say("1. Prepare the shop: tables, goods and a few orders")
    try:
        shop.work.mkdir(parents=True, exist_ok=True)
        for name in report_files.NAMES:
            report(shop, name).unlink(missing_ok=True)
    except OSError as exc:
        raise DemoFailed(f"cannot write to the work folder: {exc}; give another --work") from exc
    steps = [["migrate"], ["load_shop"]]
    if forget_migration:
        steps.append(["migrate", "orders", "0001"])
    for arguments in steps:
        print(f"   $ {processes.shown(*arguments)}", flush=True)
        for line in processes.manage(shop, *arguments):
            if line.endswith(("OK", ".")):
                print(f"     {line.strip()}")
    if forget_migration:
        print("     That was the first fault: a deploy that forgets the newest migration.")
        print("     The others are in demo/shop/faults.py.")


def open_and_probe(shop: Shop) -> int:
    """Run the probes, in text and into three files; return the exit code: the gate.

    Raises:
        DemoFailed: the probes could not be asked.
    """
    reports = [f"{name}={short(report(shop, name))}" for name in report_files.NAMES]
    with processes.opened(shop) as url:
        say(f"2. Open it: {url} answers, its log is {short(shop.log)}")
        say("3. Probe it, as a deploy stage does")
        told = [f"SHOP_URL={url} {processes.shown('probe')}", *reports]
        print("   $ " + " \\\n       --report ".join(told), end="\n\n", flush=True)
        options = [option for place in reports for option in ("--report", place)]
        code = processes.probe(shop, url, *options)
    say("   The shop is closed; nothing is left running.")
    if code not in (0, 1):
        raise DemoFailed(f"no verdict: 'manage.py probe' ended with {code}, as it says above")
    return code


def read_reports(shop: Shop, code: int) -> None:
    """Show what a CI server reads in each file.

    Raises:
        DemoFailed: a file is missing, or says something else than another or the exit code.
    """
    say("4. Read the report files, as a CI server does")
    told = set()
    for name in report_files.NAMES:
        path = report(shop, name)
        try:
            counts = report_files.count(name, path)
        except (OSError, ValueError, KeyError, SyntaxError) as exc:
            raise DemoFailed(f"the {name} report cannot be read: {exc!r}") from exc
        told.add(counts)
        print(f"   {short(path)}: {counts}")
        for line in report_files.quote(name, path, red=code != 0):
            print(f"     | {line}")
    if len(told) != 1:
        raise DemoFailed("the report files do not agree")
    expected = report_files.load(report(shop, "json"))["exit_code"]
    if code != expected:
        raise DemoFailed(f"'manage.py probe' ended with {code}, its JSON report says {expected}")
    print("   All three agree, with each other and with the exit code.")


def tell_what_does_not_block(shop: Shop) -> None:
    """Say what was not as it should be, and lets the deploy go on all the same.

    Raises:
        DemoFailed: a probe that is there to show it did not.
    """
    say("5. What is told, and does not block")
    results = report_files.load(report(shop, "json"))["results"]
    shown = {
        "flaky": [one for one in results if one["flaky"]],
        "a warning": [one for one in results if _is_soft(one) and one["severity"] == "warning"],
        "quarantined": [one for one in results if _is_soft(one) and one["quarantine"]],
    }
    for what, found in shown.items():
        if not found:
            raise DemoFailed(f"no probe is {what}")
        for result in found:
            error = (result["attempts"] or [result])[0]["error"]
            print(f"   {what}: {result['label']}\n     {error['message'].splitlines()[0]}")


def _is_soft(result: Mapping[str, Any]) -> bool:
    return result["outcome"] == "failed" and not result["blocking"]


def explain_red(shop: Shop, code: int) -> None:
    """Say what blocked, and why.

    Raises:
        DemoFailed: the gate is not red, or not for the three faults alone.
    """
    say("6. Why the gate is red")
    results = report_files.load(report(shop, "json"))["results"]
    blocking = {result["label"]: result for result in results if result["blocking"]}
    for label, fault in FAULTS.items():
        if label not in blocking:
            raise DemoFailed(f"{label} did not notice a fault: {fault}")
        result = blocking[label]
        print(f"   {fault}")
        print(f"     {label}: {result['outcome']}")
        print(f"     {result['error']['message']}")
    others = sorted(set(blocking) - set(FAULTS))
    if code != 1 or others:
        raise DemoFailed(f"exit code {code}, expected 1 for three faults; more: {others}")
    print(f"   The other {len(results) - len(blocking)} probes had their turn all the same.")
    say("Exit code 1: the gate is red, the deploy stops here. That is what was to be shown.")


def report(shop: Shop, name: str) -> Path:
    """Return the file of a report."""
    return shop.work / "reports" / report_files.NAMES[name]


def say(text: str) -> None:
    """Print a line with air above it."""
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
