"""The database: connection, schema, filters and the SQL that selects events."""
