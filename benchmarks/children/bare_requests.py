"""The least that N workers can do: threads that read answers. Arguments: workers, URLs."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import urllib3

http = urllib3.PoolManager(num_pools=1000, retries=False)
HEADERS = {"Authorization": "Bearer x", "Accept-Encoding": "identity"}
QUERY = "probe/?fresh=1&local=1&stream=1"


def ask(url: str) -> int:
    response = http.request("GET", f"{url}{QUERY}", headers=HEADERS, preload_content=False)
    with response:
        return response.status if b"run_finished" in response.read() else 0


with ThreadPoolExecutor(int(sys.argv[1])) as pool:
    statuses = list(pool.map(ask, [text.partition("=")[2] for text in sys.argv[2:]]))
print(f"asked {len(statuses)}")
sys.exit(set(statuses) != {200})
