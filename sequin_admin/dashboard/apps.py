from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class DashboardConfig(AppConfig):
    name = "sequin_admin.dashboard"

    def ready(self) -> None:
        from sequin_admin.core.fresh_login import record_login
        from sequin_admin.dashboard import account_events
        from sequin_admin.dashboard.account_words import reword_forms

        user_logged_in.connect(record_login, dispatch_uid="record_login")
        account_events.connect_signals()
        reword_forms()
