"""A process that makes calls as fast as its permits come, and prints when each began.

Arguments: the URL, a credential's id, an API key, for how many seconds, in how many threads.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sequin_admin.client import Client, TryLater


def main(url: str, credential_id: str, key: str, seconds: str, threads: str) -> None:
    ends = time.monotonic() + float(seconds)
    times = list[float]()
    with Client(url, key) as client:
        credential = client.credential(credential_id)

        def call() -> None:
            while time.monotonic() < ends:
                try:
                    with credential.permit():
                        times.append(time.monotonic())
                except TryLater as refusal:
                    time.sleep(refusal.retry_after_s)

        with ThreadPoolExecutor(int(threads)) as pool:
            for done in [pool.submit(call) for _ in range(int(threads))]:
                done.result()
    print(json.dumps(times))


if __name__ == "__main__":
    main(*sys.argv[1:])
