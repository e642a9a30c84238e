"""docs/production.md does what it says: followed from an empty folder, command by command."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from benchmarks.installation import SIGN_IN
from benchmarks.member import Member
from tests.support.engines import until
from tests.support.postgres_server import needs_postgres, running_postgres
from tests.support.production import SITE
from tests.support.production_page import FILES, PAGE, DescribedServer, commands, program
from tests.support.provider_process import ProviderProcess
from tests.support.rabbitmq_server import free_ports
from tests.support.redis_server import needs_redis, running_redis

ROW = re.compile(r"^\| [^|]+ \| ([\d.]+)(?: s)? \| (`orchestr[^|]+) \|$", re.MULTILINE)


def value(name: str) -> float:
    """Return a constant, or the default of a field, by its dotted name."""
    parts = name.split(".")
    depth = next(n for n in range(len(parts), 0, -1) if is_module(".".join(parts[:n])))
    found: Any = importlib.import_module(".".join(parts[:depth]))
    for part in parts[depth:]:
        if isinstance(found, type) and issubclass(found, BaseModel):
            return float(found.model_fields[part].default)
        found = getattr(found() if is_dataclass(found) and isinstance(found, type) else found, part)
    return float(found)


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def total(sum_of_names: str) -> float:
    """Return the value of constants in backticks with + and - between them."""
    signed = re.findall(r"([+-]?) ?`([^`]+)`", sum_of_names)
    return sum(-value(name) if sign == "-" else value(name) for sign, name in signed)


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    rows = ROW.findall(PAGE)
    assert len(rows) == PAGE.count("` |\n") > 20
    assert {names: float(figure) for figure, names in rows} == {names: total(names) for _, names in rows}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DescribedServer]:
    with running_postgres() as postgres, running_redis(tmp_path) as redis:
        server = DescribedServer(tmp_path, postgres, redis)
        yield server
        server.stop()


def serve(server: DescribedServer, ports: list[int]) -> None:
    for port in ports:
        server.start("orchestra-web", str(port))
    for name in ("one", "two"):
        server.start("orchestra-worker", name)
    until(lambda: "2 workers answer" in server.run(commands("Services")[-1]), 60)


@pytest.mark.e2e
@needs_postgres
@needs_redis
def test_the_page_leads_from_an_empty_server_to_answers_and_back_from_a_backup(
    server: DescribedServer, provider: ProviderProcess
) -> None:
    provider.behave(every={"text": "Answer: 391"})
    server.write("/etc/orchestra/environment")
    server.write("/usr/local/bin/orchestra", mode=0o755)
    printed = [server.run(command) for part in ("PostgreSQL", "Settings") for command in commands(part)]
    server.run(f"echo ORCHESTRA_ALLOWED_ADDRESSES=127.0.0.1:{provider.port} >> environment")
    printed += [server.run(command) for command in commands("The database and the first team")]
    sign_in = SIGN_IN.findall("\n".join(printed))[0]
    furnish = (
        "set -a; . ./environment; cd /opt/orchestra; DJANGO_SETTINGS_MODULE=orchestra_site.settings.prod"
    )
    server.run(f"{furnish} /opt/orchestra/.venv/bin/python -m tests.support.furnish {provider.base_url} m1")
    ports = free_ports(2)
    serve(server, ports)
    runs = [answered(port, sign_in) for port in ports]
    backup, restore = divide(commands("Backup and restore"))
    for command in backup:
        server.run(command)
    server.stop()
    for command in restore:
        server.run(command)
    serve(server, ports)
    with closing(Member(f"http://127.0.0.1:{ports[0]}", sign_in, site=SITE).client) as client:
        assert [client.get(f"/runs/{run}/").status_code for run in runs] == [200, 200]
    assert commands("Upgrade")[:2] == commands("The database and the first team")[:2]


def answered(port: int, sign_in: tuple[str, str]) -> str:
    """Ask a web process, wait for the answer, and return the run."""
    member = Member(f"http://127.0.0.1:{port}", sign_in, site=SITE)
    with closing(member.client):
        run = member.ask("What is 17 * 23?", ["m1"])
        until(lambda: member.run(run)["status"] == "succeeded", 30)
    return run


def divide(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the commands up to the dump, and those after it."""
    dump = next(place for place, line in enumerate(lines) if "pg_dump" in line)
    return lines[: dump + 1], lines[dump + 1 :]


@pytest.mark.skipif(program("nginx") is None, reason="nginx is not installed (apt-get install nginx)")
def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    key = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "privkey.pem"]
    made = ["openssl", "req", *key, "-out", "fullchain.pem"]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    text = FILES["/etc/nginx/conf.d/orchestra.conf"]
    site = text.replace("/etc/letsencrypt/live/orchestra.example.com", str(tmp_path))
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {site} }}"
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    tried = [str(program("nginx")), "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
