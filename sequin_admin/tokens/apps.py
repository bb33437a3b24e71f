from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "sequin_admin.tokens"
