"""Services where there is the new family alone."""

from families import Play

NEEDS = "--service-cluster-ip-range=fd00:10::/108"
STEPS = list(Play("xnew", one_family=True).steps())
