from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "sequin_admin.access"
