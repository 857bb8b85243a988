"""`manage.py test`: what failed once is asked once more, and named."""

from pathlib import Path

import pytest

from cgt.launcher import checks

STEADY = "def test_good():\n    pass\n"
UNSTEADY = """
from pathlib import Path

def test_unsteady():
    seen = Path(__file__).with_suffix(".seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""
BROKEN = "def test_broken():\n    assert False\n"
MANY = "import pytest\n\n@pytest.mark.parametrize('n', range({}))\ndef test_many(n):\n    assert False\n"


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    for name in ("PYTEST_XDIST_WORKER", "DJANGO_SETTINGS_MODULE"):  # a suite of its own, outside this one
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_steady.py").write_text(STEADY)
    return tmp_path


def ran() -> int:
    return checks._pytest(["-n0", "-q"], fast=False)


def test_what_passes_when_asked_again_is_named(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (suite / "test_unsteady.py").write_text(UNSTEADY)
    assert ran() == 0
    said = capfd.readouterr()
    assert "UNSTEADY" in said.out + said.err and "test_unsteady.py::test_unsteady" in said.out + said.err


def test_what_fails_each_time_is_a_fault(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (suite / "test_unsteady.py").write_text(UNSTEADY)
    (suite / "test_broken.py").write_text(BROKEN)
    assert ran() == 1
    said = capfd.readouterr()
    assert "test_broken" in said.out and "test_unsteady.py::test_unsteady" in said.out + said.err


def test_many_faults_are_not_asked_again(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (suite / "test_many.py").write_text(MANY.format(checks.FEW + 1))
    assert ran() == 1
    assert "Once more" not in "".join(capfd.readouterr())


def test_a_green_suite_is_asked_once(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert ran() == 0
    assert "Once more" not in "".join(capfd.readouterr())
