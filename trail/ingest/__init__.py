"""From raw records to stored events: parsing, deduplication, quarantine, collection."""
