from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "sequin_admin.providers"
