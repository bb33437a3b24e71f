"""`manage.py demo_worker`: a small sync worker, so that the demo has a gauge that moves."""

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sequin_admin.client import Broken, Client, Credential, SequinError, TryLater
from sequin_admin.demo.models import Demo

KEY_FILE = "demo-worker-key"
# A call lasts so long, and the next one is asked for so long after it.
CALL_S, PAUSE_S = 0.25, 0.15
RETRY_S = 5


class Command(BaseCommand):
    help = "Take permits of one credential of the demo, as a sync worker does. It calls nobody."

    def handle(self, *args: Any, **options: Any) -> None:
        demo = Demo.objects.exclude(metered=None).first()
        if demo is None:
            raise CommandError("There is no demo here. make run makes one in an empty database.")
        key = (Path(settings.DATA_DIR) / KEY_FILE).read_text().strip()
        with Client(settings.PUBLIC_URL, key) as client:
            credential = client.credential(demo.metered)
            while is_wanted(credential):
                pass
        self.stdout.write("The demo's worker has ended: its key or its credential is gone.")


def is_wanted(credential: Credential) -> bool:
    """Make one call under a permit. False when the key or the credential is gone."""
    try:
        with credential.permit():
            time.sleep(CALL_S)
        time.sleep(PAUSE_S)
    except (TryLater, Broken):
        time.sleep(RETRY_S)
    except SequinError:
        return False
    return True
