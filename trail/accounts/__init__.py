"""Users, roles, sessions, API tokens and sign-in with an identity provider."""
