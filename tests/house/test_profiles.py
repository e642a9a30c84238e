"""The profiles as processes of their own: which settings they get, and what they refuse."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

PRODUCTION = {
    "ORCHESTRA_PROFILE": "production",
    "ORCHESTRA_SECRET_KEY": "a-long-random-looking-value-0123456789-abcdefghijklmn",
    "ORCHESTRA_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "ORCHESTRA_ALLOWED_HOSTS": "orchestra.example.com",
    "ORCHESTRA_DATABASE_URL": "postgresql://127.0.0.1:1/orchestra",
    "ORCHESTRA_REDIS_URL": "redis://127.0.0.1:1/0",
    "ORCHESTRA_BEHIND_PROXY": "true",
}


def manage(*arguments: str, data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={"ORCHESTRA_DATA_DIR": str(data), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_passes_djangos_own_deployment_checks(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    ran = manage("check", "--deploy", "--fail-level", "WARNING", data=tmp_path, **PRODUCTION)
    assert ran.returncode == 0, ran.stderr
    assert "no issues" in ran.stdout


def test_production_without_settings_says_what_is_missing_and_writes_nothing(tmp_path: Path) -> None:
    ran = manage("check", data=tmp_path / "data", ORCHESTRA_PROFILE="production")
    assert ran.returncode == 1
    assert ran.stderr.count("production needs") == 5
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("module", "profile", "words"),
    [
        ("orchestra_site.settings.dev", PRODUCTION, "names the embedded profile"),
        ("orchestra_site.settings.prod", {}, "set ORCHESTRA_PROFILE=production"),
    ],
)
def test_settings_of_the_other_profile_are_refused(
    module: str, profile: dict[str, str], words: str, tmp_path: Path
) -> None:
    ran = manage("check", data=tmp_path, DJANGO_SETTINGS_MODULE=module, **profile)
    assert ran.returncode == 1
    assert words in ran.stderr


def test_the_embedded_profile_makes_its_own_secrets(tmp_path: Path) -> None:
    ran = manage("check", data=tmp_path / "data")
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {"secret_key", "encryption_key"}
