"""The addresses of the catalogue."""

from __future__ import annotations

from django.urls import path

from catalog import views

urlpatterns = [
    path("", views.front, name="front"),
    path("products/<slug:slug>/", views.product, name="product"),
    path("search/", views.search, name="search"),
    path("tea-of-the-day/", views.tea_of_the_day, name="tea-of-the-day"),
]
