"""Orders and their lines."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.urls import reverse

from catalog.models import Product


class OrderQuerySet(models.QuerySet["Order"]):
    """Questions that the pages ask."""

    def newest(self) -> OrderQuerySet:
        """Return orders with all that their pages show, the newest first."""
        return self.prefetch_related("lines__product").order_by("-placed_at", "-pk")


class Order(models.Model):
    """What somebody has bought, and was charged."""

    number = models.PositiveIntegerField(unique=True)
    placed_at = models.DateTimeField()
    total = models.DecimalField(max_digits=10, decimal_places=2)

    objects = OrderQuerySet.as_manager()

    class Meta:
        """The index serves ``newest``."""

        indexes = (models.Index(fields=["-placed_at"], name="order_newest"),)

    def __str__(self) -> str:
        return f"Order {self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("order", args=[self.number])


class OrderLine(models.Model):
    """One product of an order, at the price of that day."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=8, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def amount(self) -> Decimal:
        """Return what the line costs."""
        return self.quantity * self.unit_price
