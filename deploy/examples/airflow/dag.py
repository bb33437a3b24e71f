"""Copy this file and `runs/sync_hubspot.py` into the folder of your DAGs."""

import os

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task
from sync_hubspot import sync

from sequin_admin.client import Broken


@dag(schedule="*/15 * * * *", catchup=False, max_active_runs=1)
def hubspot():
    @task(retries=3)
    def copy(sync_id):
        try:
            return sync(os.environ["SEQUIN_URL"], os.environ["SEQUIN_API_KEY"], [sync_id])
        except Broken as broken:
            # Retrying does not help until whoever it names has acted.
            raise AirflowFailException(str(broken)) from broken

    copy("{{ var.value.hubspot_sync_id }}")


hubspot()
