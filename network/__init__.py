"""Therapy products, markets, site authorizations, lanes, disclosure policy, training requirements."""
