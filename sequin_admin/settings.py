"""Every setting, read from the environment once. Durations say their unit in the name."""

from importlib.util import find_spec
from pathlib import Path

from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured

from sequin_admin.access import identity_providers
from sequin_admin.core import long_polls, shutdown
from sequin_admin.core.database_url import read_database
from sequin_admin.core.env import (
    ROOT,
    encryption_keys,
    env,
    host_header,
    pasted_token,
    public_url,
)
from sequin_admin.core.logs import configure_logging
from sequin_admin.core.networks import Proxies
from sequin_admin.core.redis_urls import redis_url

BASE_DIR = ROOT
# For a machine of one's own: static files as they lie in the folder, log lines for reading.
DEVELOPMENT = env.bool("DEBUG", default=False)
# Never Django's own: its error pages show settings, paths and local variables. Tracebacks are in
# the log.
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
# Former and coming keys: what they signed is accepted. See `core.digests` for what that is.
SECRET_KEY_FALLBACKS = env.keys("SECRET_KEY_FALLBACKS")

# Where this machine's own files go: the SQLite database, the simulator's, the demo login.
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data")))

# Fernet keys, newest first. The first one encrypts, all of them decrypt.
FIELD_ENCRYPTION_KEY = encryption_keys("FIELD_ENCRYPTION_KEY", env.list("FIELD_ENCRYPTION_KEY"))

# Where people reach us; the OAuth callback addresses are made from it.
PUBLIC_URL = public_url("PUBLIC_URL", env.str("PUBLIC_URL", default="http://127.0.0.1:8000"))
# Where the web server listens on its machine; webhooks and targets never reach it.
PORT = env.int("PORT", default=8000)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[host_header(PUBLIC_URL), "localhost"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# When set, calls to every provider go to the simulator: SIMULATOR_URL/HOST/PATH instead of
# https://HOST/PATH.
SIMULATOR_URL = env.str("SIMULATOR_URL", default="")
# Other bases for single hosts, as JSON: {"api.hubapi.com": "https://hubspot-proxy.example.com"}.
PROVIDER_BASE_URLS = env.base_urls("PROVIDER_BASE_URLS")
TOKEN_DEADLINE_S = shutdown.TOKEN_DEADLINE_S
HUBSPOT_API_VERSION = env.str("HUBSPOT_API_VERSION", default="2026-03")
# Other bases for single hosts of webhooks and Slack, as JSON. They may be private:
# {"hooks.test": "http://127.0.0.1:9999"}.
WEBHOOK_BASE_URLS = env.base_urls("WEBHOOK_BASE_URLS")
# Networks besides the public internet that databases (targets) may be in, as CIDR. None by
# default: whoever may enter a target could otherwise try every address of an internal network.
TARGET_NETWORKS = env.networks("TARGET_NETWORKS")
# CA certificates that a target's server certificate is verified with. Empty: the system's.
TARGET_CA_FILE = env.str("TARGET_CA_FILE", default="")
# How many requests per web process may wait for the test of a target: fewer than it has threads.
TARGET_TEST_WAITS = env.int("TARGET_TEST_WAITS", default=2)
SHOPIFY_API_VERSION = env.str("SHOPIFY_API_VERSION", default="2026-10")

# The most of each that an organization may have; of connect links those that are open, of API keys
# those that are not revoked; of mails with a link a day. What is above stays.
MAX_API_KEYS = env.int("MAX_API_KEYS", default=1_000)
MAX_CHANNELS = env.int("MAX_CHANNELS", default=200)
MAX_CONNECT_LINKS = env.int("MAX_CONNECT_LINKS", default=20_000)
MAX_LINK_MAILS_A_DAY = env.int("MAX_LINK_MAILS_A_DAY", default=1_000)
MAX_SYNCS = env.int("MAX_SYNCS", default=100_000)
MAX_TARGETS = env.int("MAX_TARGETS", default=1_000)
# For how many days the worker keeps what is over, and samples of usage; see `core.pruning`.
KEEP_BATCHES_DAYS = env.days("KEEP_BATCHES_DAYS", default=90)
KEEP_CONNECT_LINKS_DAYS = env.days("KEEP_CONNECT_LINKS_DAYS", default=90)
KEEP_CONNECT_SESSIONS_DAYS = env.days("KEEP_CONNECT_SESSIONS_DAYS", default=7)
KEEP_DELIVERIES_DAYS = env.days("KEEP_DELIVERIES_DAYS", default=90)
KEEP_DIGESTS_DAYS = env.days("KEEP_DIGESTS_DAYS", default=30)
KEEP_HISTORY_DAYS = env.days("KEEP_HISTORY_DAYS", default=90)
KEEP_RUNS_DAYS = env.days("KEEP_RUNS_DAYS", default=30)
KEEP_USAGE_DAYS = env.days("KEEP_USAGE_DAYS", default=8)

INSTALLED_APPS = [
    "sequin_admin.dashboard",
    "sequin_admin.core",
    "sequin_admin.audit",
    "sequin_admin.access",
    "sequin_admin.notifications",
    "sequin_admin.credentials",
    "sequin_admin.limits",
    "sequin_admin.tokens",
    "sequin_admin.connect",
    "sequin_admin.health",
    "sequin_admin.syncs",
    "sequin_admin.providers",
    "sequin_admin.demo",
    "sequin_admin.api",
    "sequin_admin.gateway",
    "sequin_admin.worker",
    # Not in the production image.
    *filter(find_spec, ["sequin_admin.tools"]),
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "ninja",
    "template_partials",
    "sequin_admin.core.staff_app.StaffAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "sequin_admin.dashboard.static_files.StaticFiles",
]

MIDDLEWARE = [
    "sequin_admin.dashboard.middleware.request_id",
    "sequin_admin.dashboard.middleware.headers",
    "sequin_admin.gateway.status.status_middleware",
    "sequin_admin.dashboard.body_limits.body_limits",
    "django.middleware.security.SecurityMiddleware",
    # The Management API turns off here: what follows is for pages.
    "sequin_admin.api.lane.lane",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sequin_admin.gateway.leaving.leaving_middleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "sequin_admin.dashboard.middleware.organization",
    "sequin_admin.dashboard.middleware.FreshLogin",
]

ROOT_URLCONF = "sequin_admin.urls"
WSGI_APPLICATION = "sequin_admin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sequin_admin.dashboard.context.page",
            ],
            "builtins": ["template_partials.templatetags.partials"],
            "libraries": {"heroicons": "sequin_admin.dashboard.templatetags.icons"},
        },
    }
]

DATABASES = {"default": read_database(f"sqlite:///{DATA_DIR / 'sequin_admin.sqlite3'}")}
# Whether PostgreSQL keeps the statements of hot queries. auto: until a pooler in between shows that
# it gives out another connection each time.
PREPARED_STATEMENTS = env.choice("PREPARED_STATEMENTS", "auto", "on", "off", default="auto")
# What one statement may take, in seconds: of web processes, which answer 503 then; of the worker's
# jobs; of its chores, such as pruning. Commands, such as migrations, have no limit.
DATABASE_STATEMENT_TIMEOUT_S = env.float("DATABASE_STATEMENT_TIMEOUT_S", default=3.5)
DATABASE_WORKER_STATEMENT_TIMEOUT_S = env.float("DATABASE_WORKER_STATEMENT_TIMEOUT_S", default=10)
DATABASE_CHORE_STATEMENT_TIMEOUT_S = env.float("DATABASE_CHORE_STATEMENT_TIMEOUT_S", default=600)
# How long a request may wait for a row that another one has locked, in seconds.
DATABASE_LOCK_TIMEOUT_S = env.float("DATABASE_LOCK_TIMEOUT_S", default=3)
CACHES = {
    # Shared by all processes, whatever uses it: allauth counts login attempts here.
    "default": {"BACKEND": "sequin_admin.core.shared_cache.SharedCache"},
    # One per process. Large enough for one entry per credential and API key for an hour.
    "local": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
# Shared store of rate-limit permits, see `core.redis_urls`. Empty: the database.
REDIS_URL = redis_url("REDIS_URL", env.str("REDIS_URL", default=""))
# Accept a Redis that may evict what it holds or keeps no append-only file.
REDIS_MAY_FORGET = env.bool("REDIS_MAY_FORGET", default=False)
# While Redis is unreachable each process may use this share of a rate limit; 0 refuses permits.
LIMITER_FALLBACK_SHARE = env.float("LIMITER_FALLBACK_SHARE", default=0.0)
# How many requests per web process may wait for a permit or a run.
LONG_POLLS = long_polls.LONG_POLLS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Maximum size of a request body in bytes: a bulk import of 1,000 credentials fits.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
# The same outside of the API, except for logos: a form with a thousand ticked rows fits.
FORM_MAX_BYTES = 1_000_000

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard:overview"
ACCOUNT_ADAPTER = "sequin_admin.dashboard.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# Nobody gets in with an address whose mailbox is not proven. A change replaces the address once the
# new one is confirmed; mails about changes go to the address from before.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
vars().update(identity_providers.SIGN_ON)
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEVELOPMENT
OIDC_PROVIDERS = identity_providers.read_providers(env.str("OIDC_PROVIDERS", default=""))

SESSION_ENGINE = "sequin_admin.core.sessions"
CSRF_FAILURE_VIEW = "sequin_admin.urls.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
if SESSION_COOKIE_SECURE:
    # Taken from this host by https only, not from another subdomain (RFC 6265bis, 4.1.3.2).
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    MESSAGE_STORAGE = "sequin_admin.dashboard.message_storage.HostMessageStorage"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PUBLIC_URL.startswith("https://"))
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC_URL.startswith("https://") else 0
# Both concern other hosts than ours, so only who runs them can say so. The check of `--deploy`
# would ask for them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Sources of X-Forwarded-For. A number is only safe where nobody reaches us without these proxies.
TRUSTED_PROXIES = Proxies.parse(env.list("TRUSTED_PROXIES", default=[]))
# From where the staff admin opens, and staff look into organizations. Empty: from everywhere.
STAFF_NETWORKS = env.networks("STAFF_NETWORKS")
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=30_000)
if API_REQUESTS_PER_MINUTE < 1:
    raise ImproperlyConfigured("API_REQUESTS_PER_MINUTE must be 1 or more.")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": ["'none'"],
        "base-uri": [SELF],
        # Also for redirects after a form: see `gateway.leaving`.
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    }
}

# Bearer token of /metrics, which is closed until this is set.
METRICS_TOKEN = pasted_token("METRICS_TOKEN", env.str("METRICS_TOKEN", default=""))

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = DEVELOPMENT
WHITENOISE_AUTOREFRESH = DEVELOPMENT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEVELOPMENT
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="sequin-admin@localhost")
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 15

LOG_FORMAT = env.choice(
    "LOG_FORMAT", "console", "json", default="console" if DEVELOPMENT else "json"
)
LOGGING = configure_logging(LOG_FORMAT, env.str("LOG_LEVEL", default="INFO"))
