from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "sequin_admin.core"

    def ready(self) -> None:
        from sequin_admin.core import checks, db_lookups  # noqa: F401 - register themselves
