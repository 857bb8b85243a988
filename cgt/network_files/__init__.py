"""A network as a spreadsheet: what an operator loads with ``manage.py import_network``."""
