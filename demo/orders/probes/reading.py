"""Probes of the way from an order in the database to its page."""

from __future__ import annotations

import unittest

from django_probe import tag

from orders.models import Order
from shop.pages import PageProbe


class NewestOrders(unittest.TestCase):
    """The orders that came in last."""

    def test_add_up(self) -> None:
        """Customers were charged what the lines of their orders come to."""
        for order in Order.objects.newest()[:20]:
            with self.subTest(order=order.number):
                self.assertEqual(order.total, sum(line.amount for line in order.lines.all()))


@tag("pages")
class OrderPage(PageProbe):
    """Where customers look their order up."""

    def test_shows_the_total(self) -> None:
        """A customer can read what they bought: database, view and template agree."""
        order = Order.objects.newest().first()
        if order is None:
            self.skipTest("no order has come in yet")
        page = self.visit(order.get_absolute_url())
        self.assert_shows(page, f"€ {order.total}")
