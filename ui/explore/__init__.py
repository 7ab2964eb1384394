"""Parts of the Explore page: facets, events table, event panel."""
