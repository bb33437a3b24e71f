from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "sequin_admin.audit"
