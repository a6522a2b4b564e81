"""The shop after a bad deploy. ``run.py --broken`` uses these settings; the code stays as it is.

The third fault, a migration that the deploy forgot, is in the database: ``run.py``
takes it back with ``manage.py migrate orders 0001``.
"""

from __future__ import annotations

from shop.settings import *  # noqa: F403
from shop.settings import MIDDLEWARE as WHOLE

MIDDLEWARE = [*WHOLE, "shop.faults.product_pages_answer_500", "shop.faults.search_hangs"]
