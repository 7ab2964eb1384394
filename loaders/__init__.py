"""One source a file: bytes in, raw records out."""
