"""A network lived through in memory: the search's code on a calendar that rolls, and what goes wrong at its rates."""
