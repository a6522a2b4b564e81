"""The demo shop as it is deployed for the examples: with ``/probe/``, whole or broken."""

from __future__ import annotations

import os

from shop.settings import *  # noqa: F403
from shop.settings import MIDDLEWARE

ROOT_URLCONF = "deployed_urls"
PROBE_RELEASE = os.environ.get("RELEASE", "")
PROBE_TOKENS = [os.environ["PROBE_TOKEN"]]
PROBE_CACHE_SECONDS = 0
if "SHOP_BROKEN" in os.environ:
    MIDDLEWARE = [*MIDDLEWARE, "shop.faults.product_pages_answer_500"]
