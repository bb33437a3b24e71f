from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "sequin_admin.health"
