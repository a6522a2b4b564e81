"""The pages of the catalogue."""

from __future__ import annotations

from itertools import count

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from catalog.models import Product

_visits = count()


def front(request: HttpRequest) -> HttpResponse:
    """Show everything that is for sale."""
    return render(request, "catalog/list.html", {"products": Product.objects.all()})


def product(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one product."""
    found = get_object_or_404(Product, slug=slug)
    return render(request, "catalog/product.html", {"product": found})


def search(request: HttpRequest) -> HttpResponse:
    """Show the products whose name holds the words asked for."""
    query = request.GET.get("q", "").strip()
    found = Product.objects.filter(name__icontains=query) if query else Product.objects.none()
    return render(request, "catalog/list.html", {"products": found, "query": query})


def tea_of_the_day(request: HttpRequest) -> HttpResponse:
    """Show one product; who comes first after a start finds it brewing, as caches are."""
    if next(_visits) == 0:
        return HttpResponse("It is still brewing.", status=503, headers={"Retry-After": "1"})
    found = Product.objects.filter(stock__gt=0)[:1]
    return render(request, "catalog/list.html", {"products": found})
