from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "sequin_admin.dashboard"
