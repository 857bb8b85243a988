"""`manage.py bench`: the requests; `epcis`, `labels`, `scans`, `readings`, `units` on the stack; two without it."""

import os
import subprocess
import sys

from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import ROOT
from cgt.launcher.stack import open_stack

IN_MEMORY = ("design", "repair")
ON_STACK = ("epcis", "labels", "scans", "readings", "units")


def run(arguments: list[str]) -> int:
    """Hand the arguments to the benchmark's own command line."""
    section = arguments[0] if arguments and arguments[0] in (*IN_MEMORY, *ON_STACK) else "run"
    program = ROOT / "benchmarks" / f"{section}.py"
    if not program.exists():
        raise LauncherError(f"There is no benchmarks/{section}.py in this checkout.", code=2)
    if section in IN_MEMORY:
        command = [sys.executable, "-m", f"benchmarks.{section}", *arguments[1:]]
        return subprocess.run(command, cwd=ROOT, env=os.environ | {"DJANGO_SETTINGS_MODULE": "cgt.settings"}).returncode
    environment = os.environ | open_stack().environment("app")
    rest = arguments[1:] if section in ON_STACK else arguments
    return subprocess.run([sys.executable, str(program), *rest], cwd=ROOT, env=environment).returncode
