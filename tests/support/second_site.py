"""The site with the second kind, for a worker (`celery -A`) and for a web process (`daphne`)."""

from __future__ import annotations

from orchestra_site.asgi import application  # noqa: F401  # a web process serves it
from orchestra_site.celery import app  # noqa: F401  # a worker takes its tasks from it
from tests.support.second_kind import register_second_kind

register_second_kind()
