"""Settings of the provider simulator: a Django project of its own, with its own small database."""

from sequin_admin.core.env import ROOT, env

DEBUG = False
# Signs nothing: the simulator has no sessions.
SECRET_KEY = "the simulator keeps no secrets"
# Encrypts nothing: core.prepared, which reads rows here too, knows encrypted columns.
FIELD_ENCRYPTION_KEY = "dGhlIHNpbXVsYXRvciBrZWVwcyBubyBzZWNyZXRzISE="
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["sequin_admin.simulator"]
# Of its pages; `bodies` has that of calls.
MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]
ROOT_URLCONF = "sequin_admin.simulator.urls"
WSGI_APPLICATION = "sequin_admin.simulator.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": env.str("SIMULATOR_DATABASE", default=str(ROOT / ".data" / "simulator.sqlite3")),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
        "CONN_MAX_AGE": 60,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True

# Base URLs of the gateways whose redirect URIs the seeded developer apps accept.
SIMULATOR_REDIRECT_BASES = env.list(
    "SIMULATOR_REDIRECT_BASES", default=["http://127.0.0.1:8000", "http://localhost:8000"]
)
