"""The running process: startup, preflight checks, scheduler and background jobs."""
