from collections.abc import Iterator

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class DashboardConfig(AppConfig):
    name = "sequin_admin.dashboard"

    def ready(self) -> None:
        from sequin_admin.access import exports
        from sequin_admin.access.models import ListExport
        from sequin_admin.core.fresh_login import record_login
        from sequin_admin.dashboard import account_events
        from sequin_admin.dashboard.account_words import reword_forms

        def lines_of_export(export: ListExport, **sent: object) -> Iterator[str]:
            """The views are loaded when they are needed: a worker shows no pages."""
            from sequin_admin.dashboard.views.exports import lines_of

            return lines_of(export)

        exports.lines_wanted.connect(lines_of_export, weak=False, dispatch_uid="lines_of_export")
        user_logged_in.connect(record_login, dispatch_uid="record_login")
        account_events.connect_signals()
        reword_forms()
