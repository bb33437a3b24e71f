from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "sequin_admin.credentials"
