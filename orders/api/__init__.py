"""REST: parse, call one action or query, answer with fields listed by hand per role."""
