"""The file that ``html`` writes, in a real browser."""

from __future__ import annotations

import re

import pytest
from browsing import chromium, complaints, in_every_look, visiting, written
from test_html import EVIL, evil_run, html

from django_probe.results import Outcome
from django_probe.sample import sample_result, sample_run

pytestmark = [pytest.mark.service, pytest.mark.once]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def file(tmp_path):
    return written(tmp_path, html(command="python manage.py probe"))


@pytest.fixture
def several(tmp_path):
    return written(tmp_path, html(sample_run("eu", "us")))


def shown(page):
    """Return the names of the rows that can be seen."""
    return page.locator(".row:visible .name").all_inner_texts()


def hash_of(page):
    return page.evaluate("location.hash")


def test_axe_finds_nothing_in_any_look(browser, several):
    with visiting(browser, several) as page:
        page.evaluate("document.querySelectorAll('.more').forEach(d => { d.open = true; })")
        page.get_by_role("button", name="4 failed").click()
        for look in in_every_look(page):
            assert complaints(page) == [], look
            wide = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert wide, f"{look}: the page scrolls sideways"
        page.get_by_role("button", name="Clear").click()
        assert complaints(page) == []


def test_a_filter_shows_one_kind_and_is_kept_in_the_address(browser, file):
    with visiting(browser, file) as page:
        assert len(shown(page)) == 15
        chip = page.get_by_role("button", name="2 skipped")
        chip.click()
        assert shown(page) == ["test_skipped", "test_skipped_without_reason"]
        assert chip.get_attribute("aria-pressed") == "true"
        assert hash_of(page) == "#show=skipped"
        page.get_by_role("button", name="1 flaky").click()
        assert "test_flaky" in shown(page)
        page.reload()
        assert set(shown(page)) == {"test_skipped", "test_skipped_without_reason", "test_flaky"}
        page.get_by_role("button", name="Clear").click()
        assert len(shown(page)) == 15
        assert hash_of(page) == ""


def test_a_search_looks_at_names_tags_and_messages_and_is_kept(browser, file):
    with visiting(browser, file) as page:
        page.get_by_role("searchbox").fill("LONGER timeout")
        page.wait_for_url(re.compile("#.*q="))
        assert shown(page) == ["test_hangs"]
        assert page.get_by_role("status").inner_text() == "1 of 15 shown"
        page.reload()
        assert page.get_by_role("searchbox").input_value() == "LONGER timeout"
        assert shown(page) == ["test_hangs"]
        page.get_by_role("searchbox").fill("nothing like that")
        page.get_by_text("Nothing matches.").wait_for()
        assert shown(page) == []


def test_a_target_can_be_looked_at_alone(browser, tmp_path):
    events = sample_run("eu", "us")
    events = [
        e for e in events
        if not (type(e).__name__ == "ProbeFinished" and e.result.target == "us"
                and not e.result.probe.label.endswith("test_passes"))
    ]  # fmt: skip
    with visiting(browser, written(tmp_path, html(events))) as page:
        assert len(shown(page)) == 15
        page.get_by_role("combobox", name="Target").select_option("us")
        assert shown(page) == ["test_passes"]
        assert hash_of(page) == "#target=us"


def test_error_output_and_command_are_a_click_away_and_can_be_copied(browser, file):
    with visiting(browser, file) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        row = page.locator("[data-label='shop.Checkout.test_fails']")
        assert not row.get_by_text("before it failed").is_visible()
        row.locator("summary").first.click()
        assert row.get_by_text("before it failed").is_visible()
        assert row.get_by_text("AssertionError: 402 != 200").first.is_visible()
        row.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_text("Copied: ").wait_for(state="attached")
        told = page.evaluate("navigator.clipboard.readText()")
        assert told == "python manage.py probe shop.Checkout.test_fails"


def test_a_row_without_more_has_its_command_too(browser, file):
    with visiting(browser, file) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        row = page.locator("[data-label='shop.Checkout.test_passes']")
        row.hover()
        row.get_by_role("button", name="Copy the command").click()
        page.get_by_text("Copied: ").wait_for(state="attached")
        told = page.evaluate("navigator.clipboard.readText()")
        assert told == "python manage.py probe shop.Checkout.test_passes"


def test_it_can_be_used_by_keyboard_alone(browser, file):
    with visiting(browser, file) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "results"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.parentElement.open") is True


def test_it_is_readable_without_javascript(browser, file):
    with visiting(browser, file, java_script_enabled=False) as page:
        assert page.get_by_role("heading", name="Not ok").is_visible()
        assert len(shown(page)) == 15
        row = page.locator("[data-label='shop.Checkout.test_fails']")
        row.locator("summary").first.click()
        assert row.get_by_text("before it failed").is_visible()
        assert page.get_by_role("searchbox").count() == 0


def test_what_a_probe_says_cannot_run(browser, tmp_path):
    text = html(evil_run(EVIL, "us"), title=EVIL, command=EVIL)
    with visiting(browser, written(tmp_path, text)) as page:
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        page.get_by_role("searchbox").fill("alert")
        page.wait_for_url(re.compile("#.*q="))
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 1


def test_bars_are_in_proportion_to_the_slowest(browser, tmp_path):
    found = [
        sample_result(0, "test_slow", Outcome.PASSED, duration=2.0),
        sample_result(1, "test_half", Outcome.PASSED, duration=1.0),
        sample_result(2, "test_quick", Outcome.PASSED, duration=0.001),
    ]
    with visiting(browser, written(tmp_path, html(sample_run(found=found)))) as page:
        bars = page.evaluate(
            "[...document.querySelectorAll('.time rect')].map(r => r.getBoundingClientRect().width)"
        )
        assert bars[1] == pytest.approx(bars[0] / 2, abs=1)
        assert 0 <= bars[2] < 2


def test_ten_thousand_results_can_be_searched(browser, tmp_path):
    found = [
        sample_result(n, f"test_{n}", Outcome.PASSED, case=f"Case{n // 100}") for n in range(10_000)
    ]
    with visiting(browser, written(tmp_path, html(sample_run(found=found)))) as page:
        assert page.get_by_role("button", name="10000 passed").is_visible()
        page.get_by_role("searchbox").fill("test_9876")
        page.wait_for_url(re.compile("#.*q="))
        assert shown(page) == ["test_9876"]
