"""A worker that claims one run and reports a cursor for each line that it is sent.

Run as `python -m tests.client.engine URL KEY COLLECTION`. Prints the fence of its run, and after
each line `reported` or `lost`.
"""

import sys

from sequin_admin.client.runs import RunLost, Runs


def main():
    url, key, collection = sys.argv[1:]
    with Runs(url, key) as runs, runs.claim(wait_s=20) as run:
        print(run.fence, flush=True)
        for line in sys.stdin:
            try:
                run.report(collection, cursor=line.strip(), read=1)
                print("reported", flush=True)
            except RunLost:
                print("lost", flush=True)


if __name__ == "__main__":
    main()
