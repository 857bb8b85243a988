"""Speed, measured against the least Django that does such a job, interleaved in one run. Never asserted in a test."""
