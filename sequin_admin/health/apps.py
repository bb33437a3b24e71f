from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "sequin_admin.health"

    def ready(self) -> None:
        from sequin_admin.health import incidents

        incidents.connect_signals()
