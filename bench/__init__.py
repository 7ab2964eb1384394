"""Measurements, printed as ratios against a floor or a peer in the same run. No tests here."""
