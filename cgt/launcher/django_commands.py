"""Django's own commands; without DATABASE_URL they get the embedded servers and the database role that fits them."""

import os

from django.core.management import execute_from_command_line

from cgt.launcher.stack import open_stack

ROLE_OF_COMMAND = {
    "migrate": "owner",
    "makemigrations": "owner",
    "sqlmigrate": "owner",
    "squashmigrations": "owner",
    "showmigrations": "owner",
    "createcachetable": "owner",
    "ledger": "auditor",
}
NO_SERVERS = {"help", "version", "--help", "-h", "--version", "startapp", "plan_network", "simulate_network"}


def run(argv: list[str]) -> int:
    """Execute one Django command; Django itself exits on failure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cgt.settings")
    command = argv[1] if len(argv) > 1 else "help"
    if os.environ.get("CGT_LAUNCHER") != "off" and not os.environ.get("DATABASE_URL"):
        with_servers = command not in NO_SERVERS
        stack = open_stack(start=with_servers)
        os.environ.update(stack.environment(ROLE_OF_COMMAND.get(command, "app")))
    execute_from_command_line(argv)
    return 0
