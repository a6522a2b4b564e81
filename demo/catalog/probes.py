"""Probes of the catalogue: its pages as visitors see them, and its stock."""

from __future__ import annotations

import asyncio
import statistics
import timeit
import unittest

from django.urls import reverse
from django_probe import retry, serial, severity, tag, timeout

from catalog.models import Category, Product
from shop.pages import PageProbe, get


@tag("smoke", "pages")
class Pages(PageProbe):
    """The pages that bring visitors to a product."""

    def test_front_page_shows_what_is_for_sale(self) -> None:
        """Visitors see products, not an error and not an empty shop."""
        product = self.something_for_sale()
        self.assert_shows(self.visit(reverse("front")), product.name)

    def test_product_page_shows_the_price(self) -> None:
        """The page that sells shows the price that the database has."""
        product = self.something_for_sale()
        page = self.visit(product.get_absolute_url())
        self.assert_shows(page, f"€ {product.price}")

    @timeout(2)
    def test_search_finds_a_product_by_its_name(self) -> None:
        """Search answers within two seconds: people do not wait longer."""
        product = self.something_for_sale()
        page = self.visit(reverse("search", query={"q": product.name}))
        self.assert_shows(page, product.name)

    def test_unknown_page_is_a_plain_404(self) -> None:
        """Debug pages stay inside: they would show our settings to everyone."""
        page = self.visit("/no-such-page/", status=404)
        self.assertFalse(page.shows("DEBUG = True"), "DEBUG is on: switch it off")

    @retry(times=2, delay=0.2)
    def test_tea_of_the_day_is_served(self) -> None:
        """Right after a start it still brews: it passes at the second try, told as flaky."""
        self.visit(reverse("tea-of-the-day"))

    @severity("warning")
    def test_front_page_describes_itself_to_search_engines(self) -> None:
        """Nice to have, and missing here: a warning, which stops no deploy."""
        page = self.visit(reverse("front"))
        if '<meta name="description"' not in page.text:
            self.fail("the front page has no description")

    def something_for_sale(self) -> Product:
        """Return a product that is in stock."""
        product = Product.objects.filter(stock__gt=0).first()
        if product is None:
            self.fail("nothing is in stock: there is nothing to buy here")
        return product


@tag("pages")
class Speed(PageProbe):
    """How it feels to be a visitor."""

    @serial
    def test_front_page_answers_within_half_a_second(self) -> None:
        """The front page is quick: the median of five visits, while no other probe runs."""
        visits = timeit.repeat(lambda: self.visit(reverse("front")), number=1, repeat=5)
        self.assertLess(statistics.median(visits), 0.5)


@tag("pages")
class Crowd(unittest.IsolatedAsyncioTestCase):
    """Many visitors at the same time."""

    async def test_five_visitors_at_once_are_all_served(self) -> None:
        """The server has workers enough: nobody is turned away at a small rush."""
        visits = (asyncio.to_thread(get, reverse("front")) for _ in range(5))
        pages = await asyncio.gather(*visits)
        self.assertEqual([page.status for page in pages], [200] * 5)


class Stock(unittest.TestCase):
    """What the warehouse says we have."""

    def test_is_never_negative(self) -> None:
        """We have not sold what we do not have, on any shelf."""
        for category in Category:
            with self.subTest(category=category.value):
                oversold = Product.objects.filter(category=category, stock__lt=0)
                if oversold:
                    told = ", ".join(f"{product} ({product.stock})" for product in oversold)
                    self.fail(f"sold more than there is: {told}")
