"""Where log lines go: one stream, redacted, whoever writes them."""

from __future__ import annotations

from typing import Any

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def logging_settings(level: str) -> dict[str, Any]:
    """Return Django's LOGGING; loggers to which Django gives handlers of their own pass their lines on."""
    passed_on = {"handlers": [], "propagate": True}
    quiet = {"level": "WARNING"} if level == "INFO" else {}  # these tell every request and every start
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "orchestra_site.web.redaction.RedactingFormatter", "format": LINE},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {"django": {**passed_on, "level": level}, "django.server": passed_on}
        | dict.fromkeys(("daphne", "httpx", "celery", "asyncio", "axes"), quiet),
    }
