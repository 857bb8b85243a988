"""Flows, orders, their steps, worklists, desks: conducts everything below."""
