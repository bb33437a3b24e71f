from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "sequin_admin.limits"
