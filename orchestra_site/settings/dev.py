"""The embedded profile: one process, SQLite, everything on this machine."""

from django.core.exceptions import ImproperlyConfigured

from orchestra_site.settings.base import *  # noqa: F403
from orchestra_site.settings.base import ENV

if ENV.profile != "embedded":
    raise ImproperlyConfigured(
        "DJANGO_SETTINGS_MODULE names the embedded profile, but ORCHESTRA_PROFILE is production: unset one."
    )
