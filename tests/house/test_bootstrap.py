"""Making the environment: on old Pythons, again, and from locks that agree."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = ROOT / "bin" / "bootstrap"


def test_bootstrap_can_be_read_by_every_old_python():
    # Python 3.4 is the oldest grammar the parser knows; Python 2 reads ASCII only.
    source = BOOTSTRAP.read_bytes().decode("ascii")
    ast.parse(source, feature_version=(3, 4))
    assert not re.search(r"\bf['\"]", source)


@pytest.fixture
def bootstrap():
    """bin/bootstrap as names: it has no .py to import it by."""
    names = {"__name__": "bootstrap", "__file__": str(BOOTSTRAP)}
    exec(compile(BOOTSTRAP.read_text(), BOOTSTRAP, "exec"), names)  # noqa: S102 - our own program
    return names


def test_bootstrap_names_an_old_python(bootstrap, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(bootstrap["CannotBootstrap"], match=r"Python 3\.11 or newer.* 3\.9\.2"):
        bootstrap["main"]([])


@pytest.mark.parametrize(
    ("installed", "wanted", "installs"),
    [
        ("nothing", "runtime", ["requirements-runtime.lock"]),
        ("all", "all", []),
        ("all", "runtime", []),
        ("runtime", "runtime", []),
        ("runtime", "all", ["requirements.lock"]),
        ("runtime of an older lock", "runtime", ["requirements-runtime.lock"]),
        ("all of an older lock", "runtime", ["requirements.lock"]),
    ],
)
def test_bootstrap_installs_only_what_is_missing(bootstrap, tmp_path, installed, wanted, installs):
    stamp = tmp_path / "installed-locks"
    stamp.write_text(
        bootstrap["stamp_of"](installed) if installed in bootstrap["LOCKS"] else installed
    )
    done = []
    bootstrap |= {
        "STAMP": str(stamp),
        "make_environment": lambda: None,
        "install": lambda lock: done.append(Path(lock).name),
    }
    bootstrap["main"]([wanted])
    assert done == installs
    bootstrap["main"]([wanted])
    assert done == installs


def versions(lock):
    return dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_two_locks_agree():
    everything, runtime = versions("requirements.lock"), versions("requirements-runtime.lock")
    assert runtime.items() <= everything.items()


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime = versions("requirements-runtime.lock")
    names = [re.match(r"[\w.-]+", line)[0].lower() for line in project["dependencies"]]
    assert [name for name in names if name.replace(".", "-") not in runtime] == []


def test_the_locks_name_no_index():
    for lock in ["requirements.lock", "requirements-runtime.lock"]:
        assert "://" not in (ROOT / lock).read_text()


def test_the_example_deployment_sets_what_settings_read():
    compose = (ROOT / "compose.yaml").read_text()
    settings = (ROOT / "portal" / "settings.py").read_text()
    # The web server reads this one itself.
    named = set(re.findall(r"^    +([A-Z][A-Z_]+): ", compose, re.MULTILINE)) - {
        "FORWARDED_ALLOW_IPS"
    }
    own = {name for name in named if not name.startswith(("POSTGRES_", "VIGIL_"))}
    assert "DATABASE_ENGINE_URL" in own
    assert {name for name in own if f'"{name}"' not in settings} == set()
    asked_for = set(re.findall(r"\$\{([A-Z_]+):\?\}", compose))
    taken = set(re.findall(r"\$\{([A-Z_]+)", compose))
    example = (ROOT / "docs" / "deployment" / "example.env").read_text()
    offered = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    assert asked_for <= offered <= taken


def test_the_bus_of_the_example_deployment_is_reached_by_few_and_with_a_password():
    compose = (ROOT / "compose.yaml").read_text()
    assert "REDIS_URL: redis://:${VALKEY_PASSWORD:?}@valkey:6379/0\n" in compose
    assert "      requirepass ${VALKEY_PASSWORD:?}\n" in compose
    assert "  bus:\n    internal: true\n" in compose
    services = compose.split("\nservices:\n")[1].partition("\nconfigs:")[0]
    parts = re.split(r"^  (\S+):.*\n", services, flags=re.MULTILINE)
    of_their_own = {
        name: set(re.findall(r"default|bus|front", found[1]))
        for name, block in zip(parts[1::2], parts[2::2], strict=True)
        if (found := re.search(r"^    networks: (.+)$", block, re.MULTILINE))
    }
    assert of_their_own == {
        "proxy": {"front"},
        "web-1": {"default", "bus", "front"},
        "web-2": {"default", "bus", "front"},
        "worker": {"default", "bus"},
        "valkey": {"bus"},
    }
