"""Rules, destinations, digests and shared views as YAML files in a folder."""
