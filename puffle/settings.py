"""Environment -> settings. Every variable is described in docs/settings.md."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from puffle import __version__, logging
from puffle import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent

env.read_file("ENV_FILE", default=BASE_DIR / ".env")

DEBUG = env.switch("DEBUG", default="0")
SECRET_KEY = env.text("SECRET_KEY", default="django-insecure-for-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is missing. Set it to 50 or more random characters, such as those that"
        " python -c 'import secrets; print(secrets.token_urlsafe(50))' prints,"
        " or set DEBUG=1 on a development machine."
    )
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "puffle",
    "unipile_accounts",
]

MIDDLEWARE = [
    "puffle.middleware.request_log",
    "puffle.middleware.health",
    "puffle.middleware.zero_bytes",
    "puffle.metrics.middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "puffle.urls"
WSGI_APPLICATION = "puffle.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database and cache -------------------------------------------------------------------------

# A large migration needs a statement without a bound, and one connection.
IS_MIGRATION = sys.argv[1:2] == ["migrate"]
# The longest wait for a connection or an answer. 0 is no bound.
DATABASE_TIMEOUT = 0 if IS_MIGRATION else env.bound("DATABASE_TIMEOUT", default="5")
DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        default="sqlite:///db.sqlite3",
        # A request gives its connection back while it waits for Unipile, so few serve many.
        pool_size=0 if IS_MIGRATION else env.count("DATABASE_POOL_SIZE", default="10"),
        timeout=DATABASE_TIMEOUT,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}

# --- Users and sessions -------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "puffle.login.LoginBackend"]

# Failed logins of one user name from one address, counted in the database.
AXES_CLIENT_IP_CALLABLE = "puffle.api.throttling.client_network"
AXES_USERNAME_CALLABLE = "puffle.login.counted_name"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = "puffle.login.failure_limit"
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_COOLOFF_MESSAGE = "Too many failed logins. Try again in 15 minutes."
# The log of logins would grow without end.
AXES_DISABLE_ACCESS_LOG = True

# --- Serving, HTTP and HTTPS --------------------------------------------------------------------

# Processes of gunicorn.
WEB_CONCURRENCY = env.count("WEB_CONCURRENCY", default="2")
# How many proxies of ours add an address to X-Forwarded-For.
NUM_PROXIES = env.whole_number("NUM_PROXIES", default="0")
HTTPS = env.switch("HTTPS", default="0" if DEBUG else "1")

SECURE_SSL_REDIRECT = HTTPS
# No request of ours is larger. Django's own limit is 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
# An hour can be taken back. What browsers remember for longer is the operator's choice.
SECURE_HSTS_SECONDS = env.whole_number("HSTS_SECONDS", default="3600") if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.switch("HSTS_INCLUDE_SUBDOMAINS", default="0")
SECURE_HSTS_PRELOAD = env.switch("HSTS_PRELOAD", default="0")
# They want all subdomains and the browsers' own list at once.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
if NUM_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Time and static files ----------------------------------------------------------------------

TIME_ZONE = env.zone("TIME_ZONE", default="UTC")

STATIC_URL = "static/"
# Serve static files from where they are installed, without collectstatic.
WHITENOISE_USE_FINDERS = True

# --- Log and metrics ------------------------------------------------------------------------------

# Prometheus' page at /metrics.
METRICS = env.switch("METRICS", default="0")
LOGGING = logging.configuration(as_json=env.switch("LOG_JSON", default="0" if DEBUG else "1"))

# --- Unipile ------------------------------------------------------------------------------------

UNIPILE_TIMEOUT = env.seconds("UNIPILE_TIMEOUT", default="15")
UNIPILE_CONNECT_TIMEOUT = env.seconds("UNIPILE_CONNECT_TIMEOUT", default="5")
UNIPILE_POOL_SIZE = env.count("UNIPILE_POOL_SIZE", default="64")
# Kept as text. unipile_accounts.conf reads them, and `manage.py check` names a wrong one.
UNIPILE_DSN = env.text("UNIPILE_DSN")
UNIPILE_API_KEY = env.text("UNIPILE_API_KEY")
UNIPILE_WEBHOOK_SECRET = env.text("UNIPILE_WEBHOOK_SECRET")
PUBLIC_URL = env.text("PUBLIC_URL")

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["puffle.api.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "puffle.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    # Each view names its rate by its throttle_scope.
    "DEFAULT_THROTTLE_CLASSES": ["puffle.api.throttling.RateThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "refresh": env.rate("THROTTLE_REFRESH", default="60/min"),
        "live": env.rate("THROTTLE_LIVE", default="10/hour"),
        "search": env.rate("THROTTLE_SEARCH", default="30/min"),
        "connect": env.rate("THROTTLE_CONNECT", default="20/hour"),
        "token": env.rate("THROTTLE_TOKEN", default="30/min"),
    },
    "NUM_PROXIES": NUM_PROXIES,
    "URL_FORMAT_OVERRIDE": None,
    # A text that was sent may hold half a character, which has no bytes.
    "UNICODE_JSON": False,
    # The schema would take any version from its query.
    "ALLOWED_VERSIONS": [__version__],
    # OPTIONS would show the docstrings of our views.
    "VIEW_DESCRIPTION_FUNCTION": lambda view, html=False: "",
}

DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "puffle.api.errors.ExceptionHandler",
    "EXCEPTION_FORMATTER_CLASS": "puffle.api.errors.ExceptionFormatter",
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=env.count("ACCESS_TOKEN_LIFETIME", default="900")),
    "REFRESH_TOKEN_LIFETIME": timedelta(
        seconds=env.count("REFRESH_TOKEN_LIFETIME", default="86400")
    ),
    "CHECK_REVOKE_TOKEN": True,
    # Clocks of two hosts differ.
    "LEEWAY": timedelta(seconds=5),
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Puffle: LinkedIn accounts",
    "DESCRIPTION": (
        "LinkedIn accounts that are connected through Unipile, and what their plans allow.\n\n"
        "1. Log in with `obtainToken`, then send `Authorization: Bearer <access>`.\n"
        "2. List your accounts with `listUnipileAccounts`. It says what each may do now."
        " Other operations take the `id` of a row as `accountId`.\n"
        "3. Connect an account with `connectUnipileAccount`. Show its link to the user, and list"
        " until a new row is there.\n"
        "4. Refresh it with `refreshUnipileAccount` after a purchase or before a campaign.\n"
        "5. Bring back a lost login with `reconnectUnipileAccount`.\n"
        "6. Search people with `searchUnipile`, and heed `ignored_filters`.\n"
        "7. Give an account up with `deleteUnipileAccount`.\n\n"
        "After an error act on `errors[0].code`. Where there is `Retry-After`, wait first."
    ),
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVERS": [{"url": PUBLIC_URL.rstrip("/")}] if PUBLIC_URL else [],
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ErrorType": "puffle.api.schema.ERROR_TYPES",
        "Years": "unipile_accounts.api.search_serializers.YEARS",
    },
    "PREPROCESSING_HOOKS": ["puffle.api.schema.without_trailing_slash"],
}
