"""Flows, orders, their steps, worklists and desks: conducts everything below."""
