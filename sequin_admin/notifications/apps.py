from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "sequin_admin.notifications"
