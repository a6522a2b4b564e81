"""The same request once more, a moment later: what it asks for is known, and so is the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from weakref import ref

from django_probe.formats import Format
from django_probe.views.base import Asked
from django_probe.views.desk import desk
from django_probe.views.question import Wish
from django_probe.views.record import Run

__all__ = ["Known", "again", "remember"]

MOST = 256


class Known(NamedTuple):
    """What was understood of a request, and the run that answered it."""

    run: Run
    wish: Wish
    format: Format


_Key = tuple[str, str, str, str]
_known: dict[_Key, tuple[tuple[Wish, Format], Callable[[], Run | None]]] = {}


def again(asked: Asked) -> Known | None:
    """Return what is known of a request, if the run that answered it then still does.

    Monitors ask the same for ever: to understand them anew each time would take
    as long as all the rest. What may have changed is looked at after
    ``PROBE_CACHE_SECONDS``, with the next run.
    """
    if asked.access.session or asked.request.method == "HEAD":
        return None
    found = _known.get(_key(asked))
    run = found and found[1]()
    return Known(run, *found[0]) if found and run and desk.still_answers(run) else None


def remember(asked: Asked, known: Known) -> None:
    """Keep what was understood of a request."""
    wish = known.wish
    if asked.access.session or wish.fresh or wish.stream:
        return
    if len(_known) >= MOST:
        _known.clear()
    # How long a run is held is decided elsewhere.
    _known[_key(asked)] = known[1:], ref(known.run)


def _key(asked: Asked) -> _Key:
    meta = asked.request.META
    accepted = meta.get("HTTP_ACCEPT", "")
    return asked.named.get("label", ""), meta.get("QUERY_STRING", ""), accepted, asked.access.scope
