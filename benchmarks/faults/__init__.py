"""What happens when things break: `make faults`, or `python -m benchmarks.faults [NAME...]`.

Importing this package points Django at a data folder of its own, so that a fault is never put into a real
one; a worker that a fault starts joins the folder of the one that started it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import django

JOINED = "ORCHESTRA_FAULTS_FOLDER"

FOLDER = Path(os.environ.get(JOINED) or tempfile.mkdtemp(prefix="orchestra-faults-"))

os.environ |= {
    "DJANGO_SETTINGS_MODULE": "orchestra_site.settings.dev",
    "ORCHESTRA_DATA_DIR": str(FOLDER),
    "ORCHESTRA_LOG_LEVEL": "ERROR",
}
django.setup()
