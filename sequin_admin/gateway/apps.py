from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "sequin_admin.gateway"
