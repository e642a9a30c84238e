"""What the tests run on: nothing of the developer's own environment, secrets or data.

The data folder is only named here; `tests/conftest.py` makes and removes it. The database is SQLite, unless
`TEST_DATABASE_URL` names a PostgreSQL server on which a database may be made.
"""

import base64
import os
import secrets
import tempfile
from pathlib import Path

from orchestra_site.settings.environment import Environment, variable_name

for _field in Environment.model_fields:
    os.environ.pop(variable_name(_field), None)
_FOLDER = Path(tempfile.gettempdir()) / f"orchestra-tests-{secrets.token_hex(8)}"
os.environ["ORCHESTRA_DATA_DIR"] = str(_FOLDER)
os.environ["ORCHESTRA_SECRET_KEY"] = secrets.token_urlsafe(48)
os.environ["ORCHESTRA_ENCRYPTION_KEYS"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
os.environ["ORCHESTRA_SIMULATED_PACE"] = "0"
os.environ["ORCHESTRA_SIMULATED_FAILURES"] = "0"
os.environ["ORCHESTRA_DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")

from orchestra_site.settings.base import *  # noqa: E402, F403  # the lines above choose what it reads
from orchestra_site.settings.base import DATABASES  # noqa: E402

WHITENOISE_AUTOREFRESH = True  # each test's client would look for every static file again
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if not os.environ["ORCHESTRA_DATABASE_URL"]:
    DATABASES["default"]["TEST"] = {"NAME": str(_FOLDER / "test.sqlite3")}  # a file: threads must share it
