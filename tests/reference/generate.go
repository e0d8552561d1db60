package main

import (
	"encoding/json"
	"maps"
	"math/rand"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

type (
	object = map[string]any
	list   = []any
)

// generator draws deployments that have a bit of everything: keyed lists in keyed lists, sets,
// atomic lists and maps, structs and scalars, each of few values so that draws collide.
type generator struct{ random *rand.Rand }

func (g generator) chance(share float64) bool { return g.random.Float64() < share }

func (g generator) pick(from ...string) string { return from[g.random.Intn(len(from))] }

// some are about half of the values, in any order.
func (g generator) some(values ...string) []string {
	var chosen []string
	for _, place := range g.random.Perm(len(values)) {
		if g.chance(0.5) {
			chosen = append(chosen, values[place])
		}
	}
	return chosen
}

func (g generator) strings(values ...string) list {
	drawn := list{}
	for _, value := range g.some(values...) {
		drawn = append(drawn, value)
	}
	return drawn
}

func (g generator) labels() object {
	drawn := object{}
	for _, key := range g.some("l", "m", "n") {
		drawn[key] = g.pick("1", "2")
	}
	return drawn
}

// keyed is a list of items with a key; in a patch with directives among them.
func (g generator) keyed(key string, patching bool, names []string, item func(name string) object) list {
	drawn := list{}
	for _, name := range g.some(names...) {
		if patching && g.chance(0.2) {
			drawn = append(drawn, object{"$patch": "delete", key: name})
		} else {
			drawn = append(drawn, item(name))
		}
	}
	if patching && g.chance(0.07) {
		drawn = append(drawn, object{"$patch": "replace"})
	}
	return drawn
}

// deployment is a whole object, or a strategic merge patch of one.
func (g generator) deployment(patching bool) object {
	drawn := object{"apiVersion": "apps/v1", "kind": "Deployment"}
	if g.chance(0.7) {
		drawn["metadata"] = g.metadata(patching)
	}
	spec := object{}
	if g.chance(0.6) {
		spec["replicas"] = g.random.Intn(3)
	}
	if g.chance(0.5) {
		spec["selector"] = object{"matchLabels": g.labels()}
	}
	if g.chance(0.4) {
		strategy := object{"type": g.pick("Recreate", "RollingUpdate")}
		if g.chance(0.5) {
			strategy["rollingUpdate"] = object{"maxSurge": 1 + g.random.Intn(2)}
		}
		spec["strategy"] = g.retaining(strategy, patching)
	}
	if g.chance(0.9) {
		template := object{"spec": g.podSpec(patching)}
		if g.chance(0.5) {
			template["metadata"] = object{"labels": g.labels()}
		}
		spec["template"] = template
	}
	drawn["spec"] = spec
	return drawn
}

// applied is what a manager wants.
func (g generator) applied() object {
	drawn := g.deployment(false)
	if _, ok := drawn["metadata"]; !ok {
		drawn["metadata"] = object{}
	}
	drawn["metadata"].(object)["name"] = "d"
	return drawn
}

// change is another object, most times not far from the present one.
func (g generator) change(present *appsv1.Deployment) object {
	fresh := g.deployment(false)
	if present.UID == "" || g.chance(0.3) {
		return fresh
	}
	var changed object
	if err := json.Unmarshal(encode(present), &changed); err != nil {
		panic(err)
	}
	for _, part := range []string{"metadata", "spec"} {
		values, _ := fresh[part].(object)
		for name, value := range values {
			// Drawn from the name, since maps have no order.
			if len(name)%2 == 0 {
				changed[part].(object)[name] = value
			}
		}
	}
	return changed
}

func (g generator) metadata(patching bool) object {
	drawn := object{}
	if g.chance(0.5) {
		drawn["labels"] = g.labels()
	}
	if g.chance(0.3) {
		drawn["annotations"] = g.labels()
	}
	if g.chance(0.3) {
		owners := list{}
		for _, uid := range g.some("1", "2") {
			owners = append(owners, object{"apiVersion": "v1", "kind": "Pod", "name": g.pick("p", "q"), "uid": uid})
		}
		drawn["ownerReferences"] = owners
	}
	switch {
	case patching && g.chance(0.3):
		drawn["$deleteFromPrimitiveList/finalizers"] = g.strings("e.com/f", "e.com/x")
	case g.chance(0.3):
		drawn["finalizers"] = g.strings("e.com/f", "e.com/g", "e.com/h")
	}
	if patching && g.chance(0.2) {
		drawn["$setElementOrder/finalizers"] = list{"e.com/h", "e.com/g", "e.com/f"}
	}
	if patching && g.chance(0.2) {
		drawn[g.pick("labels", "annotations")] = nil
	}
	return drawn
}

func (g generator) podSpec(patching bool) object {
	drawn := object{}
	container := func(name string) object { return g.container(name, patching) }
	if g.chance(0.9) {
		drawn["containers"] = g.keyed("name", patching, []string{"a", "b", "c"}, container)
	}
	if patching && g.chance(0.5) {
		g.order(drawn, "containers", "name")
	}
	if g.chance(0.4) {
		drawn["initContainers"] = g.keyed("name", patching, []string{"i", "j"}, container)
	}
	if g.chance(0.5) {
		drawn["volumes"] = g.keyed("name", patching, []string{"v", "w"}, func(name string) object {
			if g.chance(0.5) {
				return g.retaining(object{"name": name, "emptyDir": object{}}, patching)
			}
			return g.retaining(object{"name": name, "configMap": object{"name": g.pick("x", "y")}}, patching)
		})
	}
	if g.chance(0.4) {
		drawn["nodeSelector"] = g.labels()
	}
	if g.chance(0.4) {
		drawn["tolerations"] = list{object{"key": g.pick("k", "l"), "operator": "Exists"}}
	}
	if g.chance(0.3) {
		drawn["imagePullSecrets"] = g.keyed("name", patching, []string{"s", "t"}, func(name string) object {
			return object{"name": name}
		})
	}
	if g.chance(0.3) {
		drawn["hostAliases"] = g.keyed("ip", patching, []string{"1.1.1.1", "2.2.2.2"}, func(ip string) object {
			return object{"ip": ip, "hostnames": g.strings("g", "h")}
		})
	}
	if g.chance(0.3) {
		drawn["securityContext"] = object{"runAsUser": g.random.Intn(3)}
	}
	if g.chance(0.2) {
		drawn["topologySpreadConstraints"] = list{object{
			"topologyKey": g.pick("y", "z"), "whenUnsatisfiable": g.pick("DoNotSchedule", "ScheduleAnyway"), "maxSkew": 1,
		}}
	}
	if patching && g.chance(0.2) {
		drawn[g.pick("nodeSelector", "volumes", "tolerations", "securityContext")] = nil
	}
	if patching && g.chance(0.1) {
		drawn["securityContext"] = object{"$patch": g.pick("replace", "delete")}
	}
	return drawn
}

func (g generator) container(name string, patching bool) object {
	drawn := object{"name": name}
	if g.chance(0.7) {
		drawn["image"] = g.pick("i:1", "i:2")
	}
	if g.chance(0.5) {
		drawn["env"] = g.keyed("name", patching, []string{"X", "Y", "Z"}, func(name string) object {
			return object{"name": name, "value": g.pick("", "1", "2")}
		})
	}
	if g.chance(0.4) {
		drawn["args"] = g.strings("p", "q")
	}
	if g.chance(0.4) {
		ports := list{}
		for _, name := range g.some("n", "o") {
			port := object{"name": name, "containerPort": 80 + len(ports)}
			if g.chance(0.5) {
				port["protocol"] = g.pick("TCP", "UDP")
			}
			ports = append(ports, port)
		}
		drawn["ports"] = ports
	}
	if g.chance(0.3) {
		drawn["resources"] = object{"limits": object{"cpu": g.pick("1", "2")}}
	}
	if patching && g.chance(0.15) {
		drawn[g.pick("image", "env", "args", "resources")] = nil
	}
	return drawn
}

// retaining adds to a patch which keys are to stay.
func (g generator) retaining(drawn object, patching bool) object {
	if patching && g.chance(0.5) {
		drawn["$retainKeys"] = slices.Sorted(maps.Keys(drawn))
	}
	return drawn
}

// order adds the order that a list shall have, unless something is deleted from it.
func (g generator) order(parent object, field, key string) {
	var order list
	items, _ := parent[field].(list)
	for _, item := range items {
		if _, directive := item.(object)["$patch"]; directive {
			return
		}
		order = append(order, object{key: item.(object)[key]})
	}
	if g.chance(0.5) || order == nil {
		order = append(order, object{key: g.pick("a", "b", "c")})
	}
	parent["$setElementOrder/"+field] = order
}
