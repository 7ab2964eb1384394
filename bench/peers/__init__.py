"""The same work by Datasette and pandas, which run in an environment of their own."""
