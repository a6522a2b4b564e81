"""Which server this is: how a run that it has started is known, whichever process it comes to."""

from __future__ import annotations

import os
import socket
import sys

from django.utils.crypto import salted_hmac

__all__ = ["is_of_this_server", "server_mark"]


def server_mark() -> str:
    """Return a text that all processes of this server share, and no other server has.

    They have one parent, one command line, one folder and one environment; where a
    server gives these to each process anew, they have marks of their own.
    """
    environment = sorted(os.environb.items() if os.supports_bytes_environ else os.environ.items())
    what = (socket.gethostname(), os.getppid(), sys.argv, os.getcwd(), environment)  # noqa: PTH109
    return salted_hmac("django_probe.server", repr(what), algorithm="sha256").hexdigest()


def is_of_this_server(mark: str) -> bool:
    """Return whether a mark is that of this server."""
    return bool(mark) and mark == server_mark()
