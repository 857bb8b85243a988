"""Who hears what, through which channel; consumes the outbox."""
