"""Serve the shop on a free port until whoever started this ends, however that ends.

For ``run.py``: it reads the port from our stdout and keeps our stdin open. By
hand, ``python demo/manage.py runserver`` does as well.
"""

from __future__ import annotations

import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server


class Server(ThreadingMixIn, WSGIServer):
    """One thread for each visitor."""

    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve until the end of stdin."""
    from shop.wsgi import application

    server = make_server("127.0.0.1", 0, application, Server)
    # For the probes that /probe/ starts: they go in by the same door as visitors.
    os.environ["SHOP_URL"] = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)  # A view that hangs keeps nobody waiting.


if __name__ == "__main__":
    main()
