"""One kind of unusual change a file."""
