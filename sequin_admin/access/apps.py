from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "sequin_admin.access"

    def ready(self) -> None:
        from sequin_admin.access import second_factors

        second_factors.register_for_key_rotation()
