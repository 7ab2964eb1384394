"""Unusual changes: daily aggregates, scores made of reasons, a budget, and rules beside them."""
