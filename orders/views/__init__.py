"""Pages of orders: parse, call one action or query, render."""
