"""Parts of the Unusual page: the queue, one finding, sign-off, rules and risks."""
