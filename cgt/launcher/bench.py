"""`manage.py bench`: run `benchmarks/run.py` on the embedded stack."""

import os
import subprocess
import sys

from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import ROOT
from cgt.launcher.stack import open_stack


def run(arguments: list[str]) -> int:
    """Hand the arguments to the benchmark's own command line."""
    program = ROOT / "benchmarks" / "run.py"
    if not program.exists():
        raise LauncherError("There is no benchmarks/run.py in this checkout.", code=2)
    environment = os.environ | open_stack().environment("app")
    return subprocess.run([sys.executable, str(program), *arguments], cwd=ROOT, env=environment).returncode
