"""Who is who."""

ATTACKER = "enquetes"
NEIGHBOUR = "telesuivi"
