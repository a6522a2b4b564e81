"""The URLs of the shop, and ``/probe/``."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("probe/", include("django_probe.urls")),
    path("", include("shop.urls")),
]
