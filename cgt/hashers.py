"""Password hashing where the password is no secret: demo and test accounts, never production."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    """Argon2 at its lowest cost, for accounts whose password stands on the demo's own pages."""

    algorithm = "argon2quick"
    time_cost = 1
    memory_cost = 64
    parallelism = 1
