"""Keys made in Python, so that a row written for another organization needs no read-back."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """Return a UUID version 7 (RFC 9562): ordered by time, never a serial number."""
    return uuid_utils.compat.uuid7()
