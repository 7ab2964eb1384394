"""Reading events: pages, counts, timelines, people, export and undo recipes."""
