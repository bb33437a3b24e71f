from django.apps import AppConfig

from sequin_admin.core.absence import bare

# Django imports this before the apps of others. Ninja wants a signal of Django's tests, which would
# load unittest and a server: 4 MB of each process.
with bare("django.test"):
    import ninja  # noqa: F401


class CoreConfig(AppConfig):
    name = "sequin_admin.core"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created

        from sequin_admin.core import checks, clock, db_lookups, sessions  # noqa: F401 - register themselves
        from sequin_admin.core.env import env

        sessions.register_for_key_rotation()
        connection_created.connect(clock.on_connected)
        checks.refuse_unknown_callers()
        # Not at the first call to a provider. The system's authorities need no look.
        if env.str("SSL_CERT_FILE", default=""):
            from sequin_admin.core import connections

            connections.trusting_context()
