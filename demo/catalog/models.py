"""Products."""

from __future__ import annotations

from django.db import models
from django.urls import reverse


class Category(models.TextChoices):
    """The shelves of the shop."""

    TEA = "tea", "Tea"
    POTS = "pots", "Pots"
    CUPS = "cups", "Cups"


class Product(models.Model):
    """Something for sale."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    category = models.CharField(max_length=10, choices=Category.choices)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.IntegerField(default=0)

    class Meta:
        """By shelf, then by name."""

        ordering = ("category", "name")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("product", args=[self.slug])
