"""What makes a document a page of the endpoint: its addresses, its assets, who may run."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlencode, urlsplit

from django.apps import apps
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import resolve_url
from django.templatetags.static import static
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from django_probe.pages import ASSETS, PAGE_POLICY, asset, render
from django_probe.views.access import Access
from django_probe.views.refusing import Refusal, told

__all__ = ["asset_view", "page_of", "refusal_page"]

HOW = frozenset({"format", "stream", "status", "async", "fresh"})
"""What of a query says how to answer, not what to ask."""
HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "same-origin"}
UNASKED = "No result yet", "Nobody has asked these probes lately. Run them to see how things are."
LOGIN = "People log in, as a member of staff who may run probes."
TITLES = {
    400: "Not understood",
    401: "Who are you?",
    403: "Not for you",
    404: "Not here",
    429: "Busy",
    503: "No answer",
}


def page_of(request: HttpRequest, access: Access) -> dict[str, object]:
    """Return what the template adds to a report for somebody who has access."""
    home = _url(request, "probe")
    asked = QueryDict(request.META.get("QUERY_STRING", ""), mutable=True)
    for name in HOW & asked.keys():
        del asked[name]
    asked["fresh"] = "1"
    match = request.resolver_match
    of_a_run = match is not None and match.url_name == "run"
    return {
        **_assets(request),
        "home": home,
        "action": f"{home if of_a_run else request.path}?{asked.urlencode()}",
        "may_run": access.scope == "report",
        "csrf_token": get_token(request) if access.session else "",
    }


def refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return a page that says why there is no report, and what to do."""
    status = refusal.status
    title, message = TITLES.get(status, f"{status}"), told(refusal)
    if refusal.offers_run:
        title, message, page = *UNASKED, page_of(request, Access(session=True))
    else:
        page = {**_assets(request), "home": _url(request, "probe")}
    values: dict[str, object] = {
        "title": "Probes",
        "verdict": title,
        "message": message,
        "page": page,
        "hint": LOGIN if status == 401 else "",
        "login": _login(request) if status in (401, 403) else "",
    }
    response = HttpResponse(render("refusal.html", values), status=status)
    for name, value in {**HEADERS, **refusal.headers}.items():
        response[name] = value
    return response


def asset_view(request: HttpRequest, name: str) -> HttpResponse:
    """Serve our stylesheet and script, where the project's static files do not have them."""
    if name not in ASSETS:
        raise Http404
    response = HttpResponse(asset(name), content_type=ASSETS[name])
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response


asset_view.login_required = False  # type: ignore[attr-defined] # For LoginRequiredMiddleware.


def _assets(request: HttpRequest) -> dict[str, object]:
    return {
        "stylesheet": _asset_url(request, "report.css"),
        "script": _asset_url(request, "report.js"),
    }


def _asset_url(request: HttpRequest, name: str) -> str:
    """Return where an asset is: among the collected static files, else at a view of ours.

    Not every project has static files: of an API alone nobody collects them. Those
    of another host are not allowed by the page's policy.
    """
    path = f"django_probe/{name}"
    if apps.is_installed("django.contrib.staticfiles") and _is_collected(path):
        url = static(path)
        if not urlsplit(url).netloc:
            return url
    version = sha256(asset(name)).hexdigest()[:12]
    return f"{_url(request, 'static', name)}?v={version}"


def _is_collected(path: str) -> bool:
    from django.contrib.staticfiles.storage import staticfiles_storage

    try:
        return bool(staticfiles_storage.exists(path) and static(path))
    except Exception:  # No STATIC_ROOT, no entry in the manifest, a storage that does not answer.
        return False


def _url(request: HttpRequest, name: str, *args: str) -> str:
    match = request.resolver_match
    namespace = match.namespace if match else "django_probe"
    return reverse(f"{namespace}:{name}", args=args)


def _login(request: HttpRequest) -> str:
    """Return where one logs in, to come back here; "" where no page for that is known."""
    for place in (settings.LOGIN_URL, "admin:login"):
        try:
            url = resolve_url(place)
            if not urlsplit(url).netloc:
                resolve(urlsplit(url).path)
        except (NoReverseMatch, Resolver404):
            continue
        mark = "&" if urlsplit(url).query else "?"
        return f"{url}{mark}{urlencode({'next': request.get_full_path()})}"
    return ""
