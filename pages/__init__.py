"""One page a file: what the reader sees, top to bottom. No SQL here."""
