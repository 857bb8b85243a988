"""The fictional network and the orders that move in it. Only for databases made as demo, and for tests."""
