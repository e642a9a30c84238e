"""The production profile: web and workers apart, PostgreSQL, Redis, TLS in front.

What it needs is checked in `read_environment`, before anything is read or written.
"""

from django.core.exceptions import ImproperlyConfigured

from orchestra_site.settings.base import *  # noqa: F403
from orchestra_site.settings.base import DATA_DIR, ENV

if ENV.profile != "production":
    raise ImproperlyConfigured(
        "These are the settings of the production profile: set ORCHESTRA_PROFILE=production as well."
    )

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.behind_proxy else None
SECURE_HSTS_SECONDS = ENV.hsts_seconds
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # subdomains are their owner's to decide about

STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
