"""Short public numbers of batches and deviations: random, so that they tell nobody how many there are."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: nothing that is misread for something else


def new_number(prefix: str) -> str:
    """Return a new number such as ``B-7K2M9QX4`` (40 random bits; the column is unique)."""
    return f"{prefix}-" + "".join(secrets.choice(ALPHABET) for _ in range(8))
