"""HTTP routes and the access guard in front of them."""
