"""REST of notifications: the inbox of a person, webhooks of an organization."""
