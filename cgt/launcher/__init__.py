"""Makes a bare machine run the product: environment, embedded servers, demo, test stages.

`entry`, `environment`, `paths` and `messages` use the standard library only: they run before anything is installed.
"""
