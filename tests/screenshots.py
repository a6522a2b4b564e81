"""Draw the pictures of the page that the documents show: ``python tests/screenshots.py``.

Needs the extra `browser`, Chromium, and pngquant for small files.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

from browsing import chromium, visiting, written

from django_probe.events import Event, ProbeFinished, RunFinished, RunStarted
from django_probe.pages import ASSETS, asset
from django_probe.reporters.html import HtmlReporter
from django_probe.results import ErrorDetail, Outcome, Probe, ProbeResult
from django_probe.sample import feed
from django_probe.tally import Tally

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
NOW = datetime(2026, 11, 24, 9, 30, 12, tzinfo=timezone.utc)
TARGETS = ("eu", "us")

PROBES = """
shop Database test_answers 0.004 The database is there, and lets us in.
shop Database test_every_migration_is_applied 0.031 No release is live before the database has what its code expects.
shop Cache test_keeps_what_it_is_given 0.006 The cache can be written to and read.
shop Cache test_forgets_in_time 1.104 Entries expire: nobody sees yesterday's prices.
shop Storage test_a_file_can_be_written_read_and_deleted 0.018 The place of the product photos.
shop Mail test_the_relay_takes_our_mail 0.212 Receipts leave the house.
catalog Pages test_list_page_shows_products 0.067 The list of goods.
catalog Pages test_product_page_shows_the_price 0.083 What a customer sees first.
catalog Pages test_search_finds_a_product_by_its_name 0.164 Search works, and is quick.
catalog Pages test_sitemap_names_every_product 0.391 Search engines find us.
orders Checkout test_a_customer_can_pay 0.741 The whole way, with a card of the test gateway.
orders Checkout test_a_refund_reaches_the_gateway 0.512 Money goes back, too.
orders Checkout test_stock_is_reserved 0.122 Nothing is sold twice.
orders Queue test_workers_take_jobs 0.305 No parcel waits for a worker.
orders Queue test_no_job_is_older_than_an_hour 0.009 The queue moves.
"""


def trouble(name: str, target: str) -> dict[str, Any]:
    """Return what is special about the result of a probe."""
    if name == "test_a_customer_can_pay" and target == "us":
        return {
            "outcome": Outcome.FAILED,
            "blocking": True,
            "error": PAYMENT,
            "stdout": "POST /pay 402\n",
        }
    if name == "test_search_finds_a_product_by_its_name":
        if target == "eu":
            return {
                "outcome": Outcome.TIMED_OUT,
                "blocking": True,
                "error": TIMEOUT,
                "duration": 2.0,
            }
        first = ProbeResult(
            probe=probe_of(0, "catalog", "Pages", name, ""), outcome=Outcome.ERRORED, started_at=NOW,
            duration=0.9, error=RESET, blocking=True,
        )  # fmt: skip
        return {"flaky": True, "attempts": (first,)}
    if name == "test_sitemap_names_every_product":
        return {"outcome": Outcome.FAILED, "error": SITEMAP, "severity": "warning"}
    if name == "test_a_refund_reaches_the_gateway" and target == "us":
        return {"outcome": Outcome.SKIPPED, "reason": "the gateway of the US has no refunds"}
    return {}


def error(kind: str, message: str, line: str) -> ErrorDetail:
    told = f'Traceback (most recent call last):\n  File "orders/probes/paying.py", line 41\n    {line}\n'
    return ErrorDetail(
        exception_class_path=kind, message=message, traceback=f"{told}{kind}: {message}\n"
    )


PAYMENT = error(
    "AssertionError",
    "402 != 201 : the gateway refuses the card",
    "self.assertEqual(answer.status, 201)",
)
TIMEOUT = ErrorDetail(exception_class_path="Timeout", message="took longer than its timeout of 2 s")
RESET = error("ConnectionResetError", "[Errno 104] Connection reset by peer", "self.get('/search')")
SITEMAP = error("AssertionError", "1,204 products, but 1,203 in the sitemap", "self.assertEqual(…)")


def probe_of(index: int, app: str, case: str, name: str, about: str) -> Probe:
    return Probe(
        id=f"{app}.probes.{case}.{name}",
        label=f"{app}.{case}.{name}",
        index=index,
        description=about,
        tags=("smoke",) if case == "Database" else (),
        timeout=2.0,
        source=f"{app}/probes.py:{12 + 9 * index}",
    )


def results() -> Iterator[ProbeResult]:
    for index, line in enumerate(PROBES.strip().splitlines()):
        app, case, name, took, about = line.split(" ", 4)
        for number, target in enumerate(TARGETS):
            special = {"outcome": Outcome.PASSED, **trouble(name, target)}
            probe = probe_of(index, app, case, name, about)
            probe = replace(probe, severity=special.pop("severity", "error"))
            yield ProbeResult(
                probe=probe,
                target=target,
                started_at=NOW + timedelta(seconds=index),
                duration=special.pop("duration", float(took) * (1 + number / 3)),
                **special,
            )


def run() -> list[Event]:
    started = RunStarted(
        run_id="5f0c1b7e9d2a4c38",
        started_at=NOW,
        targets=TARGETS,
        release="2026.11.2",
        instance="web-1",
    )
    told: list[Event] = [started, *(ProbeFinished(result=result) for result in results())]
    tally = Tally()
    for event in told:
        tally.add(event)
    return [*told, RunFinished(summary=tally.summary(started, 6.412))]


PAGE = {
    "home": "./",
    "action": "./",
    "stylesheet": "report.css",
    "script": "report.js",
    "may_run": True,
    "csrf_token": "none",
}
"""What the endpoint adds; here its assets lie beside the page."""

SIZES = {"": {"width": 1180, "height": 860}, "-phone": {"width": 390, "height": 844}}


def main() -> None:
    """Draw the file and the endpoint's page, light and dark, on desktop and phone."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name in ASSETS:
            (Path(folder) / name).write_bytes(asset(name))
        for what, page in (("report", None), ("page", PAGE)):
            stream = StringIO()
            command = "python manage.py probe"
            feed(HtmlReporter(stream, title="Shop", command=command, page=page), run())
            url = written(Path(folder), stream.getvalue())
            for scheme in ("light", "dark"):
                for kind, size in SIZES.items():
                    path = IMAGES / f"{what}{kind}-{scheme}.png"
                    with visiting(browser, url, color_scheme=scheme, viewport=size) as tab:
                        draw(tab, path, unfolds=not kind and page is None)


def draw(tab: Any, path: Path, *, unfolds: bool) -> None:
    """Draw one picture."""
    tab.clock.set_fixed_time(NOW + timedelta(minutes=3))
    tab.reload()
    if unfolds:
        tab.locator("[data-label$=can_pay] summary").click()
        tab.mouse.move(0, 0)
    else:
        tab.locator("[data-label$=by_its_name]").first.hover()
    tab.screenshot(path=path)
    squeeze(path)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def squeeze(path: Path) -> None:
    """Make a picture small, where the tool for it is there."""
    if shutil.which("pngquant"):
        command = ["pngquant", "--force", "--strip", "--speed=1", "--output", path, "128", path]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
