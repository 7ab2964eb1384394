"""What goes out: destinations, deliveries in order, tries, and the guarded way onto the wire."""
