"""Benchmark of key rotation: seconds for many credentials and tokens, while others save."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from unittest.mock import patch

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from sequin_admin.access.models import Organization
from sequin_admin.core import fields, keyring
from sequin_admin.credentials.models import Credential
from sequin_admin.tools.benchmarks.refresh import make_tokens

MANY = 100_000
ALLOWED_S = 300
SAVE_EVERY_S = 0.02


def measure(organization: Organization, total: int = MANY) -> dict[str, Any]:
    make_tokens(organization, total)
    ids = list(Credential.objects.of(organization).values_list("pk", flat=True)[:100])
    with new_key(), saving(ids) as saved:
        began, busy = time.perf_counter(), time.process_time()
        call_command("rotate_keys", stdout=(output := StringIO()))
        took, busy = time.perf_counter() - began, time.process_time() - busy
    return {
        "rows": 2 * total,
        "rotation_s": round(took, 1),
        "processor_s": round(busy, 3),
        "allowed_s": ALLOWED_S,
        "saved_meanwhile": next(saved),
        "end": output.getvalue().splitlines()[-1],
    }


@contextmanager
def new_key() -> Iterator[None]:
    """As after a restart with a new key first."""
    keys = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEY]
    crypter = MultiFernet([Fernet(key) for key in keys])
    with (
        override_settings(FIELD_ENCRYPTION_KEY=keys),
        patch.object(fields, "CRYPTER", crypter),
        patch.object(keyring, "CRYPTER", crypter),
    ):
        fields.newest_key.cache_clear()
        yield
    fields.newest_key.cache_clear()


@contextmanager
def saving(ids: list[Any]) -> Iterator[Iterator[int]]:
    """Save the credentials over and over in a thread. The next number is how often it did."""
    stop, saved = threading.Event(), itertools.count()

    def save() -> None:
        for pk in itertools.cycle(ids):
            if stop.wait(SAVE_EVERY_S):
                break
            row = Credential.objects.get(pk=pk)
            row.secrets = {**row.secrets, "refresh_token": f"refresh-{next(saved)}"}
            row.save()
        connection.close()

    thread = threading.Thread(target=save)
    thread.start()
    try:
        yield saved
    finally:
        stop.set()
        thread.join()
