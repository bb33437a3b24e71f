from django.apps import AppConfig


class ToolsConfig(AppConfig):
    name = "sequin_admin.tools"
