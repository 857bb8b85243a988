"""Batches, quality-control results, deviations, release."""
