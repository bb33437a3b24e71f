from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "sequin_admin.notifications"
