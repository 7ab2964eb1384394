"""The product's own audit log: sign-ins, views, downloads, decisions and changes of settings."""
