"""How a process loads what it needs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Without garbage collections: what is loaded stays for the life of the process, so that they
    would find nothing and take a third of the start.

    Later ones leave it out: each would delay a request by about 100 ms, and write to the memory
    that forked processes share.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
