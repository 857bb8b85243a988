"""Composition root: settings, addresses, the Celery application, and the launcher that makes them run on a bare machine."""
