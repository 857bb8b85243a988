"""`manage.py test`: lint, types, import contracts, templates, migrations, then all tests on the embedded stack."""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cgt.launcher.messages import say
from cgt.launcher.paths import ROOT
from cgt.launcher.stack import open_stack

BIN = Path(sys.executable).parent
FEW, TRIES = 6, 2
TESTS_FAILED = 1  # pytest's exit code when all ran and some failed


def run(arguments: list[str]) -> int:
    """Every stage with its result; pytest comes last, so that its summary is the last thing seen."""
    parser = argparse.ArgumentParser(prog="manage.py test", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="only pytest, without browser and slow tests")
    options, rest = parser.parse_known_args(arguments)
    os.environ["CGT_ENV"] = "test"
    os.environ.update(open_stack().environment("app"))
    failed = [] if options.fast else _static_stages()
    code = _pytest(rest, fast=options.fast)
    if failed:
        say(f"Not green before the tests: {', '.join(failed)} (their findings are above).")
    return code or (1 if failed else 0)


def _stages() -> list[tuple[str, list[str]]]:
    stages = [
        ("mypy", [str(BIN / "mypy")]),
        ("ruff check", [str(BIN / "ruff"), "check", "--quiet", "."]),
        ("ruff format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
        ("import contracts", [str(BIN / "lint-imports"), "--no-cache"]),
        ("migrations complete", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
    ]
    if (ROOT / "templates").exists():
        stages.append(("djlint", [str(BIN / "djlint"), "--quiet", "--lint", "templates"]))
    return stages


def _static_stages() -> list[str]:
    """Run the stages two at a time; returns the titles of those that failed."""
    stages = _stages()
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(lambda stage: _stage(*stage), stages))
    return [title for (title, _), good in zip(stages, results, strict=True) if not good]


def _stage(title: str, command: list[str]) -> bool:
    begun = time.monotonic()
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    good = answer.returncode == 0
    line = f"  {title:<40} {'ok' if good else 'FAILED':<8} {time.monotonic() - begun:6.1f} s"
    say(line if good else f"{line}\n{answer.stdout.rstrip()}")
    return good


def _pytest(rest: list[str], *, fast: bool) -> int:
    """pytest in parallel; a quick run of named tests stays in one process, where start-up would cost more."""
    command = [sys.executable, "-m", "pytest"]
    named = any(not argument.startswith("-") and Path(argument.split("::")[0]).exists() for argument in rest)
    if not any(argument.startswith(("-n", "--numprocesses")) for argument in rest) and not (fast and named):
        command += ["-n", "2", "--dist", "loadgroup"]
    if fast and "-m" not in rest:
        command += ["-m", "not browser and not slow"]
    if not named:
        command.append("--cache-clear")  # what failed is asked again below: not what failed on another day
    sys.stdout.flush()
    code = subprocess.run([*command, *rest], cwd=ROOT).returncode
    return code if code != TESTS_FAILED or named else _again(rest)


def _again(rest: list[str]) -> int:
    """Run the few tests that failed again, alone: what passes then is named as unsteady, not hidden.

    Several thousand tests over a real browser and real threads meet, on a busy machine, a hiccup that is nobody's
    fault; one that fails ``TRIES`` times more is a fault, and so are more than ``FEW``.
    """
    failed = _last_failed()
    if not 0 < len(failed) <= FEW:
        return TESTS_FAILED
    options = [argument for argument in rest if argument.startswith("--tb")]
    left, code = failed, TESTS_FAILED
    for _ in range(TRIES):
        say(f"\n{len(left)} failed. Once more, alone:")
        sys.stdout.flush()
        code = subprocess.run([sys.executable, "-m", "pytest", *options, *left], cwd=ROOT).returncode
        left = _last_failed()
        if not left:
            break
    unsteady = sorted(set(failed) - set(left))
    if unsteady:
        say("UNSTEADY, passed only when asked again. Find out why:\n  " + "\n  ".join(unsteady))
    return code


def _last_failed() -> list[str]:
    """What pytest's cache calls failed; nothing where it has no such file."""
    file = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
    return list(json.loads(file.read_text())) if file.exists() else []
