from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "sequin_admin.core"
