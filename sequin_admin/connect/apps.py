from django.apps import AppConfig


class ConnectConfig(AppConfig):
    name = "sequin_admin.connect"
