"""Commands beside a demo that runs: without settings they are about it, with settings not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.management.demo.folder import DataFolder
from tests.conftest import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
OURS = {*SETTINGS, "DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ENGINE_URL", "REDIS_URL"}


@pytest.fixture
def manage(tmp_path):
    """`manage("doctor", SECRET_KEY="…")`: the command in a shell that knows nothing else of us."""

    def manage(*arguments, **settings):
        shell = {name: value for name, value in os.environ.items() if name not in OURS}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=shell | {"DATA_DIR": str(tmp_path)} | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    return manage


@pytest.fixture
def demo(committed, database_urls, tmp_path):
    """What a demo that runs keeps in its folder."""
    folder = DataFolder(tmp_path)
    folder.keys()
    folder.write_urls(database_urls.environment())
    return folder


@pytest.mark.parametrize("command", [("doctor", "functions", "--json"), ("verify_audit", "--json")])
def test_without_settings_the_running_demo_is_meant(demo, manage, command):
    finished = manage(*command)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["problems"] == 0
    assert f"this is the demo in {demo.path}" in finished.stderr
    for secret in (*demo.keys().values(), *demo.urls().values()):
        assert secret not in finished.stdout + finished.stderr


@pytest.mark.parametrize("setting", ["SECRET_KEY", "DATABASE_URL", "ENCRYPTION_KEYS"])
def test_who_has_named_an_installation_is_told_what_it_lacks(demo, manage, setting):
    finished = manage("doctor", **{setting: "postgresql://vigil_app@127.0.0.1/vigil"})
    assert finished.returncode == 2
    assert "is missing" in finished.stderr or "must hold" in finished.stderr
    assert "demo" not in finished.stderr


def test_a_demo_that_has_ended_is_not_meant(demo, manage):
    demo.tidy()
    finished = manage("doctor")
    assert finished.returncode == 2
    assert finished.stderr.strip() == (
        "The setting SECRET_KEY is missing: set it in the environment."
    )
