"""The parts of the page of unusual changes: the queue, one finding, sign-off, rules."""
