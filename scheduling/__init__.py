"""Calendars, capacity, slot chains."""
