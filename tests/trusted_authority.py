"""A certificate authority of a test, which the product trusts as `SSL_CERT_FILE` says."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from sequin_admin.core import http
from sequin_admin.simulator.tls.authority import Authority


@contextmanager
def trusting(authority: Authority) -> Iterator[None]:
    """Calls of this process trust it, and nobody else."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(authority.certificate_path))
        patched.setattr(http, "_client", cache(http._client.__wrapped__))
        yield
        for provider in (True, False):
            http._client(provider, True).close()


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """One that the client trusts."""
    authority = Authority(tmp_path / "trusted")
    with trusting(authority):
        yield authority
