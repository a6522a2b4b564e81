"""The addresses of orders."""

from __future__ import annotations

from django.urls import path

from orders import views

urlpatterns = [path("<int:number>/", views.order, name="order")]
