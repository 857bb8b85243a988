"""REST of the network: specifications, site authorizations, credentials, lanes."""
