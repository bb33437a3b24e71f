from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "sequin_admin.api"
