"""``manage.py load_shop``: put something on the shelves, and sell a little."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from catalog.models import Product
from orders.models import Order, OrderLine

PRODUCTS = (
    ("tea", "darjeeling", "Darjeeling First Flush", "12.50", 40, "Light, picked in March."),
    ("tea", "assam", "Assam", "7.90", 120, "Strong and malty: takes milk."),
    ("tea", "sencha", "Sencha", "9.80", 65, "Green, fresh, a little of the sea."),
    ("tea", "earl-grey", "Earl Grey", "8.40", 0, "With oil of real bergamot."),
    ("pots", "brown-betty", "Brown Betty", "34.00", 12, "Red clay, four cups, drips on no cloth."),
    ("pots", "kyusu", "Kyūsu", "58.00", 5, "Side handle, fine sieve, for green tea."),
    ("cups", "everyday", "Everyday Mug", "11.00", 80, "Holds a third of a litre."),
    ("cups", "cup-and-saucer", "Cup & Saucer", "19.50", 24, "Bone china, thin at the rim."),
)
"""Category, slug, name, price, stock, description."""

ORDERS = (
    (1001, {"darjeeling": 1, "brown-betty": 1}),
    (1002, {"assam": 3}),
    (1003, {"sencha": 2, "kyusu": 1, "cup-and-saucer": 4}),
)
"""Number, and how many of which product."""


class Command(BaseCommand):
    """Load products and orders; what is there already stays as it is."""

    help = "Put a few products and orders into the shop."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Load what is missing, all or nothing."""
        for category, slug, name, price, stock, description in PRODUCTS:
            values = {
                "category": category,
                "name": name,
                "price": Decimal(price),
                "stock": stock,
                "description": description,
            }
            Product.objects.get_or_create(slug=slug, defaults=values)
        for age, (number, basket) in enumerate(reversed(ORDERS)):
            if not Order.objects.filter(number=number).exists():
                self._sell(number, basket, age)
        counts = f"{Product.objects.count()} products and {Order.objects.count()} orders"
        self.stdout.write(f"The shop has {counts}.")

    def _sell(self, number: int, basket: dict[str, int], age: int) -> None:
        products = {product.slug: product for product in Product.objects.filter(slug__in=basket)}
        order = Order(number=number, placed_at=timezone.now() - timedelta(hours=age))
        order.total = sum(products[slug].price * count for slug, count in basket.items())
        order.save()
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order,
                product=products[slug],
                quantity=count,
                unit_price=products[slug].price,
            )
            for slug, count in basket.items()
        )
