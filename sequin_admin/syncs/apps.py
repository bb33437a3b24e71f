from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "sequin_admin.syncs"
