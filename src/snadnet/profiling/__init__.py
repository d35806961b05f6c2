"""Cost of a network: parameters, multiply-adds, seconds and memory."""
