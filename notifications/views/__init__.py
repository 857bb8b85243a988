"""Pages of notifications: the inbox, preferences, webhooks."""
