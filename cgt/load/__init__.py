"""Fills a database for benchmarks: a few orders made by the real actions, copied many times with a record of their own.

A copy has its own ids, codes, patient, dates and center; every history row, digest, event and link of its hash chain is
computed anew with the ledger's own functions, so that ``ledger verify`` accepts it as if it had been acted. What no act
would do is listed in ``writing.py``: the rows are copied in by the owner, without row triggers and policies.
"""
