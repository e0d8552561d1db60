"""Services of both families, the new one first."""

from families import Play

NEEDS = "--service-cluster-ip-range=fd00:10::/108,10.0.0.0/24"
STEPS = list(Play("xnewfirst").steps())
