"""``path("probe/", include("django_probe.urls"))``."""

from __future__ import annotations

from django.urls import path

from django_probe.views.extras import MetricsView, SchemaView
from django_probe.views.page import asset_view
from django_probe.views.probe import ProbeView
from django_probe.views.runs import RunView

__all__ = ["app_name", "urlpatterns"]

app_name = "django_probe"

urlpatterns = [
    path("", ProbeView(), name="probe"),
    path("-/schema.json", SchemaView(), name="schema"),
    path("-/metrics", MetricsView(), name="metrics"),
    path("-/static/<str:name>", asset_view, name="static"),
    path("-/runs/<slug:run_id>/", RunView(), name="run"),
    path("<str:label>/", ProbeView(), name="label"),
]
