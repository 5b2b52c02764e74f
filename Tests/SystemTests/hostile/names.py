"""Who is who, and the word that must not appear."""

ATTACKER = "enquetes"
NEIGHBOUR = "telesuivi"
LET_PASS = "LET PASS"
