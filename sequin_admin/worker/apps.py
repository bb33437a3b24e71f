from django.apps import AppConfig


class WorkerConfig(AppConfig):
    name = "sequin_admin.worker"
