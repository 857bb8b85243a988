"""The demo's mail server: takes everything over real SMTP and keeps it as .eml files; nothing leaves the machine."""

import itertools
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from cgt.launcher.processes import free_port


class Keeper:
    """Stores each message under the time it came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count(1)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Called by aiosmtpd with a whole message."""
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{next(self.numbers):05d}.eml"
        receivers = "".join(f"X-Received-For: {address}\r\n" for address in envelope.rcpt_tos).encode()
        (self.folder / name).write_bytes(receivers + (envelope.original_content or b""))
        return "250 kept"


def open_mailbox(folder: Path) -> tuple[Controller, str]:
    """Start it in a thread of this process; returns (server, EMAIL_URL)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = free_port()
    server = Controller(Keeper(folder), hostname="127.0.0.1", port=port)
    server.start()
    return server, f"smtp://127.0.0.1:{port}"
