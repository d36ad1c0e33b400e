"""Environment -> settings. Every variable is described in the README."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from puffle import logging

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
_env_file = Path(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
if _env_file.is_file():
    environ.Env.read_env(_env_file)


def _whole_number(name: str, *, default: int, least: int = 0) -> int:
    text = env.str(name, default=str(default))
    # Nine digits are more than any of these needs, and no more than a timedelta takes.
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
        raise ImproperlyConfigured(
            f"{name} must be a whole number of {least} or more, such as {default}."
        )
    return int(text)


def _switch(name: str, *, default: bool) -> bool:
    text = env.str(name, default="").lower() or str(default).lower()
    if text not in _SWITCHES:
        raise ImproperlyConfigured(f"{name} must be 1 or 0.")
    return _SWITCHES[text]


def _rate(name: str, *, default: str) -> str:
    text: str = env.str(name, default=default)
    if not re.fullmatch("[1-9][0-9]{0,8}/(sec|second|min|minute|hour|day)", text):
        raise ImproperlyConfigured(
            f"{name} must be a number of requests per sec, min, hour or day, such as {default}."
        )
    return text


def _database_url(*, default: str) -> dict[str, Any]:
    try:
        database: dict[str, Any] = env.db_url("DATABASE_URL", default=default)
    except (ImproperlyConfigured, ValueError):
        database = {}
    if not database.get("ENGINE"):
        raise ImproperlyConfigured(
            "DATABASE_URL is not the address of a database. Write it like"
            " postgres://user:password@host:5432/name or sqlite:///db.sqlite3."
        )
    return database


def _cache_url(*, default: str) -> dict[str, Any]:
    try:
        cache: dict[str, Any] = env.cache_url("CACHE_URL", default=default)
    except (ImproperlyConfigured, ValueError):
        raise ImproperlyConfigured(
            "CACHE_URL is not the address of a cache. Write it like redis://host:6379/0 or"
            " dbcache://throttle_counts."
        ) from None
    for name, package in (("redis", "redis"), ("pymemcache", "pymemcache")):
        if name in cache["BACKEND"].lower() and not find_spec(package):
            raise ImproperlyConfigured(
                f"CACHE_URL needs a package that is not installed: pip install {package}."
            )
    return cache


_SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}

DEBUG = _switch("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="django-insecure-for-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is missing. Set it to 50 or more random characters, such as those that"
        " python -c 'import secrets; print(secrets.token_urlsafe(50))' prints,"
        " or set DEBUG=1 on a development machine."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

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
    "unipile_accounts",
]

MIDDLEWARE = [
    "puffle.middleware.RequestLogMiddleware",
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
            ],
        },
    },
]

# --- Database and cache -------------------------------------------------------------------------

DATABASES = {"default": _database_url(default="sqlite:///db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    # Writers take the lock when they begin and wait for each other instead of failing half-way.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # A request gives its connection back while it waits for Unipile, so few serve many.
    _database["CONN_HEALTH_CHECKS"] = True
    _database.setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": _whole_number("DATABASE_POOL_SIZE", default=10, least=1),
        "timeout": 5,
        # The pool waits longer after each failure. Given up early, the next request tries at once.
        "reconnect_timeout": 2,
    }

CACHES = {"default": _cache_url(default="locmemcache://")}

_cache = CACHES["default"]
if _cache["BACKEND"].endswith(("LocMemCache", "DatabaseCache")):
    # Django's own 300 would throw away what throttles have counted.
    _cache["OPTIONS"] = {"MAX_ENTRIES": 100_000, **_cache.get("OPTIONS", {})}
elif _cache["BACKEND"].endswith("RedisCache"):
    # A cache that hangs must not hold up what it only counts.
    _cache["OPTIONS"] = {
        "socket_connect_timeout": 1,
        "socket_timeout": 1,
        **_cache.get("OPTIONS", {}),
    }

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

AUTHENTICATION_BACKENDS = ["puffle.login.LoginBackend"]

# Failed logins of one user name from one address, counted in the cache.
AXES_HANDLER = "puffle.login.FailedLogins"
AXES_CLIENT_IP_CALLABLE = "puffle.addresses.client_network"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_COOLOFF_MESSAGE = "Too many failed logins. Try again in 15 minutes."
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Its tables are for other handlers.
MIGRATION_MODULES = {"axes": None}

# --- HTTP and HTTPS -----------------------------------------------------------------------------

# How many proxies of ours a request passes; each adds an address to X-Forwarded-For.
NUM_PROXIES = _whole_number("NUM_PROXIES", default=0)
HTTPS = _switch("HTTPS", default=not DEBUG)

SECURE_SSL_REDIRECT = HTTPS
# No request of ours is larger; Django's own limit is 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
if NUM_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Language, time, static files ---------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
# Static files are served from where they are installed: no collectstatic, nothing to forget.
WHITENOISE_USE_FINDERS = True

# --- Log ----------------------------------------------------------------------------------------

LOGGING = logging.configuration(as_json=_switch("LOG_JSON", default=not DEBUG))

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["puffle.api.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "puffle.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_THROTTLE_RATES": {
        "refresh": _rate("THROTTLE_REFRESH", default="60/min"),
        "token": _rate("THROTTLE_TOKEN", default="30/min"),
    },
    "NUM_PROXIES": NUM_PROXIES,
    "URL_FORMAT_OVERRIDE": None,
}

DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "puffle.api.errors.ExceptionHandler",
    "ALLOWED_ERROR_STATUS_CODES": ["400", "401", "406", "413", "415", "429", "503"],
    "ERROR_SCHEMAS": dict.fromkeys(
        ["400", "401", "406", "413", "415", "429", "503"], "puffle.api.schema.ErrorSerializer"
    ),
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(
        seconds=_whole_number("ACCESS_TOKEN_LIFETIME", default=900, least=1)
    ),
    "REFRESH_TOKEN_LIFETIME": timedelta(
        seconds=_whole_number("REFRESH_TOKEN_LIFETIME", default=86_400, least=1)
    ),
    "CHECK_REVOKE_TOKEN": True,
    # Clocks of two hosts differ.
    "LEEWAY": timedelta(seconds=5),
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Puffle: LinkedIn accounts",
    "DESCRIPTION": "Re-read the premium status of LinkedIn accounts connected through Unipile.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {"ErrorType": "puffle.api.schema.ERROR_TYPES"},
    "PREPROCESSING_HOOKS": ["puffle.api.schema.without_trailing_slash"],
}

# --- Unipile ------------------------------------------------------------------------------------

# Kept as they were written; unipile_accounts.conf reads them and `manage.py check` judges them.
UNIPILE_DSN = env.str("UNIPILE_DSN", default="")
UNIPILE_API_KEY = env.str("UNIPILE_API_KEY", default="")
UNIPILE_TIMEOUT = env.str("UNIPILE_TIMEOUT", default="15")
UNIPILE_CONNECT_TIMEOUT = env.str("UNIPILE_CONNECT_TIMEOUT", default="5")
UNIPILE_POOL_SIZE = env.str("UNIPILE_POOL_SIZE", default="64")
