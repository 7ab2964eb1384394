"""Unusual changes: daily aggregates, detectors, scores, the review budget, rules and decisions."""
