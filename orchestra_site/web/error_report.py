"""Django's own error report, which prints local variables, without the secrets that this process knows."""

from __future__ import annotations

from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter

from orchestra_site.web.redaction import redact


class RedactingReporter(ExceptionReporter):
    """The page and the text that Django makes of an exception, redacted by value."""

    def get_traceback_html(self) -> SafeString:
        """Return the page."""
        return mark_safe(redact(super().get_traceback_html()))  # noqa: S308  # escaped before it was redacted

    def get_traceback_text(self) -> SafeString:
        """Return the text."""
        return mark_safe(redact(super().get_traceback_text()))  # noqa: S308  # plain text, sent as such
