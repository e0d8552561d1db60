"""Services of both address families: the same requests, for servers whose service ranges differ."""

from differential import *

FOUR, SIX = "10.0.0.0/24", "fd00:10::/108"
# An address of each family that services ask for, and one more.
A4, A6, B4, B6 = "10.0.0.5", "fd00:10::5", "10.0.0.6", "fd00:10::6"

ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses"
RANGES = "/apis/networking.k8s.io/v1/servicecidrs"
IGNORED = ["body.metadata.managedFields", "body.metadata.uid", "body.metadata.resourceVersion", "body.metadata.creationTimestamp"]
POLICIES = [None, "SingleStack", "PreferDualStack", "RequireDualStack"]
FAMILIES = [None, ["IPv4"], ["IPv6"], ["IPv4", "IPv6"], ["IPv6", "IPv4"]]


def service(name="s", **spec):
    spec = {"ports": [{"port": 80}], "selector": {"a": "b"}} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {k: v for k, v in spec.items() if v is not None}}


def range_(name, *cidrs, **more):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": name} | more, "spec": {"cidrs": list(cidrs)}}


def short(value):
    return {None: "-", "SingleStack": "single", "PreferDualStack": "prefer", "RequireDualStack": "require"}.get(value, value)


def of(families):
    return "".join(family[-1] for family in families or ["-"])


class Play:
    """The steps, in a namespace that is the scenario's own."""

    def __init__(self, name, one_family=False):
        self.name, self.at, self.one_family = name, f"/api/v1/namespaces/{name}/services", one_family

    def create(self, of, **spec):
        name = spec.pop("name", "s")
        return post(f"create {of}", self.at, service(name, **spec), ignore=IGNORED)

    def gone(self, name="s"):
        return delete(f"set-up: {name} goes", f"{self.at}/{name}", compare="none")

    def there(self, name, **spec):
        return post(f"set-up: {name} is there", self.at, service(name, **spec), compare="none")

    def tried(self, of, name, **spec):
        return patch(f"{name} {of}", f"{self.at}/{name}?dryRun=All", "merge", {"spec": spec}, ignore=IGNORED)

    def changed(self, of, name, **spec):
        return patch(f"{name} {of}", f"{self.at}/{name}", "merge", {"spec": spec}, ignore=IGNORED)

    def address(self, of, name):
        return get(f"address {of}", f"{ADDRESSES}/{name}", ignore=[*IGNORED, "body.metadata.managedFields"])

    def pause(self, of):
        """The recorded server's allocators follow what changes; one that answers as recorded is asked once."""
        return get(f"set-up: {of}", f"{RANGES}/kubernetes", compare="status", wait=2)

    def creations(self):
        """Policies by families by addresses."""
        given = {
            "any": {},
            "headless": {"clusterIP": "None"},
            "headless alone": {"clusterIP": "None", "selector": None},
            "4": {"clusterIP": A4},
            "6": {"clusterIP": A6},
            "46": {"clusterIP": A4, "clusterIPs": [A4, A6]},
            "64": {"clusterIP": A6, "clusterIPs": [A6, A4]},
        }
        for policy in POLICIES:
            for families in FAMILIES:
                for what, addresses in given.items():
                    yield self.create(f"{short(policy)} {of(families)} {what}", ipFamilyPolicy=policy, ipFamilies=families, **addresses)
                    yield self.gone()

    def refusals(self):
        """What no configuration takes, and what a name has to do without."""
        for what, spec in {
            "plural alone": {"clusterIPs": [A4]},
            "other first": {"clusterIP": A4, "clusterIPs": [B4]},
            "two of one": {"clusterIP": A4, "clusterIPs": [A4, B4]},
            "three": {"clusterIP": A4, "clusterIPs": [A4, A6, B4]},
            "none and one": {"clusterIP": "None", "clusterIPs": ["None", A4]},
            "one and none": {"clusterIP": A4, "clusterIPs": [A4, "None"]},
            "two nones": {"clusterIP": "None", "clusterIPs": ["None", "None"]},
            "no address": {"clusterIP": "x"},
            "no second address": {"clusterIP": A4, "clusterIPs": [A4, "x"]},
            "mapped": {"clusterIP": "::ffff:10.0.0.5"},
            "zeros": {"clusterIP": "10.0.0.05"},
            "another spelling": {"clusterIP": "FD00:0010::0005"},
            "family": {"ipFamilies": ["IPv5"]},
            "family twice": {"ipFamilies": ["IPv4", "IPv4"]},
            "three families": {"ipFamilies": ["IPv4", "IPv6", "IPv4"]},
            "policy": {"ipFamilyPolicy": "X"},
            "empty policy": {"ipFamilyPolicy": ""},
            "network": {"clusterIP": "10.0.0.0"},
            "broadcast": {"clusterIP": "10.0.0.255"},
            "new network": {"clusterIP": "fd00:10::"},
            "new last": {"clusterIP": "fd00:10::f:ffff"},
            "out of range": {"clusterIP": "10.1.0.1"},
            "new out of range": {"clusterIP": "fd00:11::1"},
            "second out of range": {"clusterIP": "10.0.0.50", "clusterIPs": ["10.0.0.50", "fd00:11::1"], "ipFamilyPolicy": "PreferDualStack"},
            "name": {"type": "ExternalName", "externalName": "a.b"},
            "name with policy": {"type": "ExternalName", "externalName": "a.b", "ipFamilyPolicy": "SingleStack"},
            "name with families": {"type": "ExternalName", "externalName": "a.b", "ipFamilies": ["IPv4"]},
            "name with address": {"type": "ExternalName", "externalName": "a.b", "clusterIP": A4},
            "name without address": {"type": "ExternalName", "externalName": "a.b", "clusterIP": "None"},
            "headless port": {"type": "NodePort", "clusterIP": "None"},
            "balanced": {"type": "LoadBalancer", "ipFamilyPolicy": "PreferDualStack"},
        }.items():
            ignore = [*IGNORED, "body.spec.ports.*.nodePort"]
            yield post(f"create {what}", self.at, service(**spec), ignore=ignore)
            yield self.gone()
            yield post(f"create {what} dry", f"{self.at}?dryRun=All", service(**spec), ignore=ignore)

    def changes(self):
        """Each service by what it is asked to become."""
        services = {
            "four": {"ipFamilies": ["IPv4"], "clusterIP": "10.0.0.10"},
            "six": {"ipFamilies": ["IPv6"], "clusterIP": "fd00:10::10"},
            "both": {"ipFamilyPolicy": "RequireDualStack", "clusterIP": "10.0.0.11", "clusterIPs": ["10.0.0.11", "fd00:10::11"]},
            "prefer": {"ipFamilyPolicy": "PreferDualStack", "clusterIP": "fd00:10::12", "clusterIPs": ["fd00:10::12", "10.0.0.12"]},
            "headless": {"clusterIP": "None"},
            "alone": {"clusterIP": "None", "selector": None},
            "name": {"type": "ExternalName", "externalName": "a.b"},
        }
        if self.one_family:
            services["prefers-one"] = {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6"], "clusterIP": "fd00:10::13"}
        single, prefer, require = ({"ipFamilyPolicy": policy} for policy in POLICIES[1:])
        wishes = {
            "nothing": {},
            "single": single,
            "prefer": prefer,
            "require": require,
            "no policy": {"ipFamilyPolicy": None},
            "families 4": {"ipFamilies": ["IPv4"]},
            "families 6": {"ipFamilies": ["IPv6"]},
            "families 46": {"ipFamilies": ["IPv4", "IPv6"]},
            "families 64": {"ipFamilies": ["IPv6", "IPv4"]},
            "no families": {"ipFamilies": None},
            "single 4": single | {"ipFamilies": ["IPv4"]},
            "single 6": single | {"ipFamilies": ["IPv6"]},
            "prefer 46": prefer | {"ipFamilies": ["IPv4", "IPv6"]},
            "require 64": require | {"ipFamilies": ["IPv6", "IPv4"]},
            "other address": {"clusterIP": "10.0.0.20"},
            "other new address": {"clusterIP": "fd00:10::20"},
            "other addresses": {"clusterIP": "10.0.0.20", "clusterIPs": ["10.0.0.20"]},
            "second address": prefer | {"clusterIP": "10.0.0.10", "clusterIPs": ["10.0.0.10", "fd00:10::30"]},
            "second new address": prefer | {"clusterIP": "fd00:10::10", "clusterIPs": ["fd00:10::10", "10.0.0.30"]},
            "second without policy": {"clusterIPs": ["10.0.0.10", "fd00:10::30"]},
            "first alone": {"clusterIPs": ["10.0.0.11"]},
            "first alone, single": single | {"clusterIPs": ["10.0.0.11"]},
            "first and family alone": single | {"clusterIPs": ["10.0.0.11"], "ipFamilies": ["IPv4"]},
            "no address": {"clusterIP": None},
            "empty address": {"clusterIP": ""},
            "no addresses": {"clusterIPs": None},
            "no addresses, single": single | {"clusterIPs": None},
            "neither": {"clusterIP": None, "clusterIPs": None},
            "all anew": {"clusterIP": None, "clusterIPs": None, "ipFamilies": None, "ipFamilyPolicy": None},
            "headless": {"clusterIP": "None"},
            "headless with all": {"clusterIP": "None", "clusterIPs": ["None"]},
            "swapped": {"clusterIP": "fd00:10::11", "clusterIPs": ["fd00:10::11", "10.0.0.11"]},
            "name": {"type": "ExternalName", "externalName": "a.b"},
            "name, all anew": {"type": "ExternalName", "externalName": "a.b", "clusterIP": None, "clusterIPs": None, "ipFamilies": None, "ipFamilyPolicy": None},
            "name, other policy": single | {"type": "ExternalName", "externalName": "a.b"},
            "name, headless": {"type": "ExternalName", "externalName": "a.b", "clusterIP": "None"},
            "cluster": {"type": "ClusterIP"},
            "cluster, require": require | {"type": "ClusterIP"},
            "cluster, prefer 6": prefer | {"type": "ClusterIP", "ipFamilies": ["IPv6"]},
            "cluster, headless": {"type": "ClusterIP", "clusterIP": "None"},
            "cluster with address": {"type": "ClusterIP", "clusterIP": "10.0.0.40"},
            "without selector": {"selector": None},
            "without selector, no policy": {"selector": None, "ipFamilyPolicy": None, "ipFamilies": None},
        }
        for name, spec in services.items():
            yield self.there(name, **spec)
            for what, wish in wishes.items():
                yield self.tried(what, name, **wish)
            yield put(f"{name} as first sent", f"{self.at}/{name}?dryRun=All", service(name, **spec), ignore=IGNORED)
            yield put(f"{name} of little", f"{self.at}/{name}?dryRun=All", service(name, type=spec.get("type")), ignore=IGNORED)
            yield self.gone(name)

    def lives(self):
        """What becomes of addresses when their service changes for good."""
        both = lambda of: [self.address(f"{of}, old", A4), self.address(f"{of}, new", A6)]  # noqa: E731
        yield self.there("life", ipFamilies=["IPv4"], clusterIP=A4)
        yield from both("of one family")
        # The recorded server's repair takes an address away that is as old as its service.
        yield self.pause("the service is older")
        yield self.changed("grows", "life", ipFamilyPolicy="RequireDualStack", clusterIPs=[A4, A6])
        yield from both("of both families")
        yield self.create("with a taken address", name="other", clusterIP=A4)
        yield self.create("with a taken second", name="other", clusterIP="10.0.0.51", clusterIPs=["10.0.0.51", A6], ipFamilyPolicy="PreferDualStack")
        yield post("create with a taken address dry", f"{self.at}?dryRun=All", service("other", clusterIP=A4), ignore=IGNORED)
        yield self.create("invalid with an address", name="other", clusterIP=B4, ports=[{"port": 0}])
        yield self.address("of a service that is invalid", B4)
        yield self.create("that is there with an address", name="life", clusterIP=B4)
        yield self.address("of a service that was there", B4)
        yield post("create with a free address dry", f"{self.at}?dryRun=All", service("other", clusterIP=B4), ignore=IGNORED)
        yield self.address("of a dry run", B4)
        yield self.changed("shrinks", "life", ipFamilyPolicy="SingleStack")
        yield from both("of one family again")
        yield self.changed("grows anew", "life", ipFamilyPolicy="PreferDualStack")
        yield self.changed("shrinks by families", "life", ipFamilyPolicy="SingleStack", ipFamilies=["IPv4"])
        yield self.changed("is a name", "life", type="ExternalName", externalName="a.b")
        yield from both("of a name")
        yield self.changed("is none any more", "life", type="ClusterIP", clusterIP=A4, clusterIPs=[A4, A6], ipFamilyPolicy="PreferDualStack")
        yield from both("of both again")
        yield self.changed("is a name again", "life", type="ExternalName", externalName="a.b")
        yield self.changed("is none any more, by itself", "life", type="ClusterIP", ipFamilyPolicy="PreferDualStack")
        yield delete("life goes", f"{self.at}/life", ignore=IGNORED)
        yield from both("of nobody")

    def tables(self):
        yield self.there("shown", ipFamilyPolicy="PreferDualStack", clusterIP=B6)
        yield get("address as a table", f"{ADDRESSES}/{B6}", accept=TABLE, ignore=["body.rows.*.object"])
        yield get("addresses of the new family", f"{ADDRESSES}?labelSelector=ipaddress.kubernetes.io/ip-family=IPv6&fieldSelector=metadata.name={B6}",
                  ignore=["body.items.*.metadata.uid", "body.items.*.metadata.resourceVersion"])
        yield get("range as a table", f"{RANGES}/kubernetes", accept=TABLE, ignore=["body.rows.*.object"])
        yield get("range", f"{RANGES}/kubernetes", ignore=IGNORED)
        yield self.gone("shown")

    def more_ranges(self):
        """Ranges that are made later, once the default one is said not to be ready."""
        says = lambda name, status: patch(  # noqa: E731
            f"range {name} is ready: {status}", f"{RANGES}/{name}/status", "merge", ignore=IGNORED,
            body={"metadata": {"labels": {"of": "status"}}, "spec": {"cidrs": []}, "status": {"conditions": [
                {"type": "Ready", "status": status, "reason": "Test", "message": "so", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})
        for families in [["IPv4"], ["IPv6"], ["IPv4", "IPv6"]]:
            yield self.create(f"before of {of(families)}", name="x" + of(families), ipFamilies=families, ipFamilyPolicy="PreferDualStack")
            yield self.gone("x" + of(families))
        yield post("range", RANGES, range_("more", "10.5.0.0/30", "fd05::/126"), ignore=IGNORED)
        yield post("range of one family", RANGES, range_("same", "10.5.0.0/30"), ignore=IGNORED)
        yield post("range with a status", RANGES, range_("told", "10.6.0.0/28") | {"status": {"conditions": [
            {"type": "Ready", "status": "False", "reason": "Test", "message": "so", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}, ignore=IGNORED)
        yield post("too large a range", RANGES, range_("large", "fd06::/63"), ignore=IGNORED)
        yield put("range grows", f"{RANGES}/same", range_("same", "10.5.0.0/30", "fd05::/126"), ignore=IGNORED)
        yield put("range changes", f"{RANGES}/same", range_("same", "10.5.0.0/29", "fd05::/126"), ignore=IGNORED)
        yield put("range shrinks", f"{RANGES}/same", range_("same", "10.5.0.0/30"), ignore=IGNORED)
        yield says("told", "False")
        yield self.pause("ranges are known")
        for what, address in [("of another range", "10.5.0.1"), ("network", "10.5.0.0"), ("last", "10.5.0.3"), ("of a range that is not ready", "10.6.0.1"),
                              ("new of another range", "fd05::1"), ("new last", "fd05::3"), ("of too large a range", "fd06::1")]:
            yield self.create(what, name="y", clusterIP=address)
            yield self.gone("y")
        yield says("kubernetes", "False")
        yield says("told", "True")
        yield self.pause("the default range is not ready")
        yield self.create("with an address of a range that is not ready", name="y", clusterIP=A4)
        yield self.create("with a new address of a range that is not ready", name="y", clusterIP=A6)
        yield self.create("with an address of a range that is ready now", name="y", clusterIP="10.6.0.1")
        yield self.gone("y")
        yield says("told", "False")
        yield self.pause("one range is ready")
        for n in range(4):
            yield self.create(f"{n} of a small range", name=f"four{n}", ipFamilies=["IPv4"], clusterIP=None if n else "10.5.0.1")
            yield self.create(f"{n} of a small new range", name=f"six{n}", ipFamilies=["IPv6"])
            yield self.create(f"{n} of both", name=f"both{n}", ipFamilyPolicy="RequireDualStack")
        yield says("more", "False")
        yield self.pause("a range has two objects, one of which is ready")
        yield self.gone("four0")
        yield self.create("of a range that one object still has", name="again", clusterIP="10.5.0.1")
        yield says("same", "Unknown")
        for name in ["more", "same", "told", "large"]:
            yield delete(f"range {name} goes", f"{RANGES}/{name}", ignore=[*IGNORED, "body.details.uid"])
        yield self.pause("no range is ready")
        yield self.create("of no range", name="none", ipFamilies=["IPv4"])
        yield self.create("of no range, new", name="none", ipFamilies=["IPv6"])
        yield self.create("of no range, both", name="none", ipFamilyPolicy="RequireDualStack")
        yield post("of no range, dry", f"{self.at}?dryRun=All", service("none"), ignore=IGNORED)
        yield self.gone("four1")
        yield says("kubernetes", "True")
        yield self.pause("the default range is ready again")
        yield self.create("of the default range again", name="end")
        for family in ["IPv4", "IPv6"]:
            yield post(f"dry of {family}", f"{self.at}?dryRun=All", service("dry", ipFamilies=[family]), ignore=IGNORED)

    def steps(self):
        yield namespace(self.name)
        for part in [self.creations, self.refusals, self.changes, self.lives, self.tables, self.more_ranges]:
            yield from part()
