from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "sequin_admin.syncs"

    def ready(self) -> None:
        from sequin_admin.syncs import health

        health.connect_signals()
