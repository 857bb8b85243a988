"""Repair of slot chains after a disruption: a snapshot in, the least harmful plan out, every move explained."""
