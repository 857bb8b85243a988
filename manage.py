#!/usr/bin/env python3
"""The one entrance: `demo`, `test`, `bench` and `servers` are the launcher's, every other command is Django's own.

This file is kept readable by old interpreters, so that they get a sentence and not a traceback.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (this very file must run on older ones)
    sys.exit(
        "This project needs Python 3.11 or newer; this is Python %d.%d (%s).\n"
        "Install a newer one and start again with it, for example: python3.12 manage.py demo"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from cgt.launcher.entry import main  # noqa: E402  (only a new enough interpreter can read it)

if __name__ == "__main__":
    sys.exit(main(sys.argv))
