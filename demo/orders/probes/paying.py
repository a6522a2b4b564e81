"""Probes of the way to the payment provider."""

from __future__ import annotations

import unittest

from django.conf import settings

from shop.pages import PageProbe

URL = settings.SHOP_PAYMENT_URL


@unittest.skipUnless(URL, "SHOP_PAYMENT_URL is not set: this deployment takes no payments")
class Payment(PageProbe):
    """The way out: without it, all else works and nobody can buy."""

    def test_provider_can_be_reached(self) -> None:
        """No firewall stands between this deployment and the payment provider."""
        self.visit(URL)
