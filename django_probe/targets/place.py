"""Where another deployment is asked, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django_probe import __version__
from django_probe.run_config import SERVER

__all__ = ["WIRE_TYPE", "Place", "RemoteFailed"]

WIRE_TYPE = "application/x-ndjson"
"""The content type of a wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a deployment is asked, and how."""

    url: str
    token: str | None = field(default=None, repr=False)
    address: str = ""
    """One of those that the name stands for; "" is whichever."""
    timeout: float = 60.0
    """Seconds that it may be silent."""
    connect_timeout: float = 10.0
    retries: int = 2
    """How often it is tried again where no connection comes about."""
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @property
    def host(self) -> str:
        """Return the host and the port, as a browser shows them."""
        return urlsplit(self.url).netloc

    def headers(self, run_id: str) -> dict[str, str]:
        """Return the headers of a request."""
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if mark := os.environ.get(SERVER):
            own["X-Probe-Server"] = mark
        return {
            **own,
            "Accept": WIRE_TYPE,
            "Accept-Encoding": "identity",
            "Host": self.host,
            "User-Agent": f"django-probe/{__version__}",
            "X-Probe": f"{run_id}/",
        }


class RemoteFailed(Exception):
    """Say why a remote did not tell all.

    Args:
        kind: a name for it, as of an exception.
        why: in words for a person.
        passing: whether it may be otherwise in a moment, and nothing was told yet.
        after: seconds after which it wants to be asked again.
    """

    def __init__(
        self, kind: str, why: str, *, passing: bool = False, after: float | None = None
    ) -> None:
        super().__init__(why)
        self.after = after
        self.kind = kind
        self.passing = passing
