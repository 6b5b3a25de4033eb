"""Fewer and cheaper calls: the answer cache, single flight, budgets."""
