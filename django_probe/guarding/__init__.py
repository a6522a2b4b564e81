"""How each kind of database is kept from being written to."""
