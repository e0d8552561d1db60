"""Services of both families, the old one first."""

from families import Play

NEEDS = "--service-cluster-ip-range=10.0.0.0/24,fd00:10::/108"
STEPS = list(Play("xdual").steps())
