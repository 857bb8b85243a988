"""Design of a network: which plants to open, and each patient's plant, lanes and days. No table, no clock, no order."""
