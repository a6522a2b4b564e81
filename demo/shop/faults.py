"""Two faults as middleware, so that the code of the shop need not be touched to break it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

View = Callable[[HttpRequest], HttpResponse]


def product_pages_answer_500(get_response: View) -> View:
    """Fail on every product page, as a template does that was not deployed."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/products/"):
            raise FileNotFoundError("catalog/product.html was not deployed")
        return get_response(request)

    return middleware


def search_hangs(get_response: View) -> View:
    """Take every search in and never answer, as a view does that waits for a lock."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/search/"):
            threading.Event().wait()
        return get_response(request)

    return middleware
