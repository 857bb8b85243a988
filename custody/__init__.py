"""Patient and material identity, labels, hand-overs, shipments."""
