"""The page of an order."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from orders.models import Order


def order(request: HttpRequest, number: int) -> HttpResponse:
    """Show what was ordered; nothing on the page tells by whom."""
    found = get_object_or_404(Order.objects.newest(), number=number)
    return render(request, "orders/order.html", {"order": found})
