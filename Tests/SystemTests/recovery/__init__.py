"""How long it takes until everything goes on after a crash."""
