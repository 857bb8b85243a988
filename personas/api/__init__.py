"""REST of organizations and people: who am I, who is there, people, personas and keys of one's own organization."""
