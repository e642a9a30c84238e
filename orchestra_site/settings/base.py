"""Settings shared by every profile. What differs between installations comes from `Environment`."""

from __future__ import annotations

from csp.constants import NONCE, NONE, SELF

from orchestra_site.settings import backends
from orchestra_site.settings.environment import ROOT, make_private, read_environment, read_or_create
from orchestra_site.web.logs import register_secret

ENV = read_environment()
BASE_DIR = ROOT
DATA_DIR = make_private(ENV.data_dir)

SECRET_KEY = (
    ENV.secret_key.get_secret_value() if ENV.secret_key else read_or_create(DATA_DIR / "secret_key", size=48)
)
ENCRYPTION_KEYS = [
    key.strip()
    for key in (
        ENV.encryption_keys.get_secret_value()
        if ENV.encryption_keys
        else read_or_create(DATA_DIR / "encryption_key", size=32)
    ).split(",")
]
DEBUG = False
ALLOWED_HOSTS = ENV.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENV.trusted_origins

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_htmx",
    "template_partials",
    "orchestra_site",
    "orchestra_site.web",
    "orchestra_site.accounts",
    "orchestration.llm",
    "orchestration.tools",
    "orchestration.runs",
    "orchestration.library",
    "orchestration.strategies",
    "orchestration.routing",
    "orchestration.evaluation",
    "pipelines",
    "collaboration",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "orchestra_site.accounts.access.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "orchestra_site.accounts.access.CurrentTeam",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "orchestra_site.urls"
ASGI_APPLICATION = "orchestra_site.asgi.application"
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
                "orchestration.runs.parts.updates.topbar",
            ],
            "builtins": [
                "orchestra_site.web.templatetags.ui",
                "orchestra_site.web.templatetags.text",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"
CSRF_FAILURE_VIEW = "orchestra_site.web.errors.csrf_failure"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = ENV.time_zone
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic in the embedded profile
WHITENOISE_AUTOREFRESH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = ENV.max_body_bytes

DATABASES = {"default": backends.database(ENV.database_url, DATA_DIR)}
CHANNEL_LAYERS = backends.channel_layers(ENV.redis_url)
CELERY_BROKER_URL = ENV.broker_url or ENV.redis_url or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = backends.broker_options(CELERY_BROKER_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
CELERY_WORKER_CONCURRENCY = ENV.worker_concurrency
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # its own handlers would not redact

PROFILE = ENV.profile
TRUSTED_PROXIES = int(ENV.behind_proxy) if ENV.trusted_proxies is None else ENV.trusted_proxies
ALLOWED_ADDRESSES = ENV.allowed_addresses
STALL_SECONDS = ENV.stall_seconds
ANSWER_CACHE_SECONDS = ENV.answer_cache_seconds
SIMULATED_PACE = ENV.simulated_pace
SIMULATED_FAILURES = ENV.simulated_failures
OPENAI_API_KEY = ENV.openai_api_key.get_secret_value() if ENV.openai_api_key else ""
OPENAI_BASE_URL = ENV.openai_base_url
OLLAMA_HOST = ENV.ollama_host

LOGGING = backends.logging_settings(ENV.log_level)
DEFAULT_EXCEPTION_REPORTER = "orchestra_site.web.errors.RedactingReporter"
for _secret in (
    SECRET_KEY,
    *ENCRYPTION_KEYS,
    OPENAI_API_KEY,
    *backends.passwords_in(ENV.database_url, ENV.redis_url, ENV.broker_url),
):
    register_secret(_secret)
