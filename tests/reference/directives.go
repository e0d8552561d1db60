package main

import (
	"maps"
	"slices"
)

// directive now and then says that a map is replaced or deleted, or something that makes no sense.
func (g *generator) directive(drawn object) {
	switch {
	case g.chance(0.02):
		drawn["$patch"] = pick(g, "replace", "delete", "replace", "delete", "merge", "x")
	case g.chance(0.003):
		drawn["$patch"] = pick[any](g, 1, nil, list{})
	}
}

// retaining says which keys are to stay.
func (g *generator) retaining(drawn object, p place) {
	share := 0.02
	if slices.Contains(p.strategies(), "retainKeys") {
		share = 0.5
	}
	switch {
	case g.chance(share):
		names := list{}
		for _, name := range slices.Sorted(maps.Keys(drawn)) {
			if name[0] != '$' {
				names = append(names, name)
			}
		}
		drawn["$retainKeys"] = names
	case g.chance(0.003):
		drawn["$retainKeys"] = pick[any](g, list{}, list{"x"}, "x", object{})
	}
}

// listWithDirectives draws a list, or what is to be done with it.
func (g *generator) listWithDirectives(drawn object, f field, depth int) {
	items := g.list(f.place, depth+1)
	key := f.mergeKey()
	switch {
	case g.chance(0.01):
		drawn[f.name] = pick[any](g, object{}, "x", 1, list{1, "x"}, list{list{}})
	case f.isMerged() && key != "":
		drawn[f.name] = g.itemsWithDirectives(items, key)
	case f.isMerged() && g.chance(0.3):
		drawn["$deleteFromPrimitiveList/"+f.name] = items
		if g.chance(0.1) {
			drawn["$deleteFromPrimitiveList/"+f.name] = pick[any](g, "x", object{}, nil)
		}
		return
	default:
		drawn[f.name] = items
	}
	share := 0.02
	if f.isMerged() {
		share = 0.4
	}
	if g.chance(share) {
		drawn["$setElementOrder/"+f.name] = g.order(drawn[f.name], key)
	}
}

func (g *generator) itemsWithDirectives(items list, key string) list {
	directed := list{}
	for _, item := range items {
		if g.chance(0.2) {
			item = object{"$patch": "delete", key: item.(object)[key]}
		}
		directed = append(directed, item)
	}
	switch {
	case g.chance(0.05):
		directed = append(directed, object{"$patch": "replace"})
	case g.chance(0.01):
		directed = append(directed, object{"$patch": pick[any](g, "merge", "x", "delete", 1)})
	}
	return directed
}

// order is that of what is sent, mostly, with other items between. What is deleted has no place in
// it.
func (g *generator) order(sent any, key string) any {
	if g.chance(0.02) {
		return pick[any](g, "x", object{}, list{1}, list{object{"x": "y"}}, list{})
	}
	items, _ := sent.(list)
	var order, deleted list
	for _, item := range items {
		members, _ := item.(object)
		switch {
		case key == "":
			order = append(order, item)
		case members["$patch"] == "delete":
			deleted = append(deleted, members[key])
		case members[key] != nil:
			order = append(order, object{key: members[key]})
		}
	}
	for _, other := range g.others(order, key) {
		if !slices.Contains(deleted, other) && g.chance(0.5) {
			if key != "" {
				other = object{key: other}
			}
			order = slices.Insert(order, g.random.Intn(len(order)+1), other)
		}
	}
	if g.chance(0.05) {
		slices.Reverse(order)
	}
	return order
}

// others are values as they are in the order, as far as that tells what they are.
func (g *generator) others(order list, key string) list {
	if len(order) != 0 {
		if item, ok := order[0].(object); ok {
			if _, isNumber := item[key].(int); isNumber {
				return list{0, 1, 2}
			}
		}
	}
	return list{"a", "b", "c", ""}
}
