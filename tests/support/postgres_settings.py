"""The settings of the tests on the PostgreSQL that `TESTS_POSTGRES_URL` names."""

import os

URL = os.environ["TESTS_POSTGRES_URL"]

from orchestra_site.settings.test import *  # noqa: E402, F403  # it clears the environment
from orchestra_site.settings.test import DATA_DIR, DATABASES, connections  # noqa: E402

DATABASES["default"] = connections.database(URL, DATA_DIR)
