"""Composition root: settings, addresses, the Celery application, and the launcher for bare machines."""
