from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "sequin_admin.core"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created

        from sequin_admin.core import checks, clock, connections, db_lookups, sessions  # noqa: F401 - register themselves

        sessions.register_for_key_rotation()
        connection_created.connect(clock.on_connected)
        checks.refuse_unknown_callers()
        # Now, and not at the first call to a provider.
        connections.trusting_context()
