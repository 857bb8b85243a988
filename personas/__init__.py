"""Who takes part: organizations, sites, people, personas and their capabilities, sign-in, the actor."""
