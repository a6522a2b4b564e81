"""The addresses of the shop."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("catalog.urls")),
    path("orders/", include("orders.urls")),
    path("probe/", include("django_probe.urls")),
]
