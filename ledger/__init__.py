"""What happened: streams, events, row history, hash chain, signatures, outbox, acting context, refusals."""
