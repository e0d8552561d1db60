package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"strings"
)

type (
	object = map[string]any
	list   = []any
)

// generator draws objects of one case. A case is about a few fields of each struct and about few
// values, so that what is drawn one after the other meets.
type generator struct {
	random *rand.Rand
	about  map[structure][]field
	// patching has directives drawn, and room is how much more may be drawn.
	patching bool
	room     int
}

// structure is a struct, as an item of a list with these keys or not.
type structure struct {
	goType reflect.Type
	keys   string
}

const (
	// membersMax is about how many members an object gets.
	membersMax = 60
	// fieldsMax is how many fields of a struct a case is about, beside its keys.
	fieldsMax = 4
	// depthMax ends types that hold themselves.
	depthMax = 9
)

func newGenerator(random *rand.Rand) *generator {
	return &generator{random: random, about: map[structure][]field{}}
}

func (g *generator) chance(share float64) bool { return g.random.Float64() < share }

func pick[T any](g *generator, from ...T) T { return from[g.random.Intn(len(from))] }

// object draws one without what identifies it.
func (g *generator) object(k *kind) object {
	g.patching, g.room = false, membersMax
	return k.tree(g.whole(k))
}

// patch draws a strategic merge patch.
func (g *generator) patch(k *kind) object {
	g.patching, g.room = true, membersMax
	return k.tree(g.whole(k))
}

func (g *generator) whole(k *kind) object {
	root := place{goType: k.goType, types: k.types.Schema(), ref: k.types.TypeRef()}
	return g.members(root, nil, 0)
}

func (g *generator) value(p place, depth int) any {
	if forms, ok := ownForm[p.goType]; ok {
		return clone(pick(g, forms...))
	}
	switch p.goType.Kind() {
	case reflect.String:
		if g.chance(0.05) {
			return ""
		}
		return pick(g, "a", "b", "c")
	case reflect.Bool:
		return g.chance(0.5)
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8:
		return g.random.Intn(3)
	case reflect.Float64:
		return pick(g, 0, 1, 1.5)
	case reflect.Slice:
		return g.list(p, depth)
	case reflect.Map:
		return g.mapping(p, depth)
	case reflect.Struct:
		return g.members(p, nil, depth)
	default:
		panic(fmt.Sprintf("nothing is drawn for %v", p.goType))
	}
}

// mapping draws a map, which is not a struct.
func (g *generator) mapping(p place, depth int) object {
	drawn := object{}
	for _, place := range g.random.Perm(3) {
		switch key := []string{"l", "m", "n"}[place]; {
		case g.chance(0.5):
		case g.patching && g.chance(0.2):
			drawn[key] = nil
		default:
			drawn[key] = g.value(p.items(), depth+1)
		}
	}
	if g.patching {
		g.directive(drawn)
	}
	return drawn
}

// members draws a struct, whose keys it always has.
func (g *generator) members(p place, keys []string, depth int) object {
	drawn := object{}
	for _, field := range g.fieldsOf(p, keys) {
		share := 0.6
		switch {
		case depth == 0:
			share = 0.9
		case slices.Contains(keys, field.name):
			share = 0.98
		case g.room <= 0 || depth >= depthMax && field.structured():
			continue
		}
		if !g.chance(share) {
			continue
		}
		g.room--
		g.member(drawn, field, slices.Contains(keys, field.name), depth)
	}
	if g.patching {
		g.retaining(drawn, p)
		g.directive(drawn)
	}
	return drawn
}

func (g *generator) member(drawn object, field field, isKey bool, depth int) {
	switch {
	case !isKey && g.patching && g.chance(0.08), !isKey && !g.patching && g.chance(0.02):
		drawn[field.name] = nil
	case g.patching && field.goType.Kind() == reflect.Slice && field.structured():
		g.listWithDirectives(drawn, field, depth)
	default:
		drawn[field.name] = g.value(field.place, depth+1)
	}
}

// fieldsOf are the fields that this case is about, rather those with something below.
func (g *generator) fieldsOf(p place, keys []string) []field {
	of := structure{p.goType, strings.Join(keys, ",")}
	known, ok := g.about[of]
	if ok {
		return known
	}
	all := p.fields()
	var chosen []int
	for at, field := range all {
		if slices.Contains(keys, field.name) {
			chosen = append(chosen, at)
		}
	}
	most := len(chosen) + fieldsMax
	for _, at := range append(g.random.Perm(len(all)), g.random.Perm(len(all))...) {
		if len(chosen) < most && !slices.Contains(chosen, at) && (all[at].structured() || g.chance(0.3)) {
			chosen = append(chosen, at)
		}
	}
	slices.Sort(chosen)
	for _, at := range chosen {
		known = append(known, all[at])
	}
	g.about[of] = known
	return known
}

// list draws a list whose items are different, mostly.
func (g *generator) list(p place, depth int) list {
	drawn := list{}
	keys := p.keys()
	if key := p.mergeKey(); key != "" && !slices.Contains(keys, key) {
		keys = append(slices.Clone(keys), key)
	}
	if depth >= depthMax && p.items().structured() {
		return drawn
	}
	for range pick(g, 0, 1, 2, 2, 3) {
		var item any
		if below := p.items(); len(keys) != 0 {
			item = g.members(below, keys, depth+1)
		} else {
			item = g.value(below, depth+1)
		}
		unique := !slices.ContainsFunc(drawn, func(other any) bool { return g.same(p, keys, item, other) })
		if unique || g.chance(0.03) {
			drawn = append(drawn, item)
		}
	}
	return drawn
}

// same tells whether two items stand for one: for apply or for strategic merge.
func (g *generator) same(p place, keys []string, one, other any) bool {
	if len(keys) == 0 {
		return (p.isSet() || p.isMerged()) && reflect.DeepEqual(one, other)
	}
	if key := p.mergeKey(); key != "" && reflect.DeepEqual(one.(object)[key], other.(object)[key]) {
		return g.patching
	}
	return !slices.ContainsFunc(p.keys(), func(key string) bool {
		return !reflect.DeepEqual(one.(object)[key], other.(object)[key])
	})
}

// change is another object, most times not far from the present one.
func (g *generator) change(present, fresh any) any {
	before, isMap := present.(object)
	after, stays := fresh.(object)
	if !isMap || !stays {
		return pick(g, present, fresh)
	}
	changed := object{}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		value, drawn := after[name]
		switch {
		case drawn:
			changed[name] = g.change(before[name], value)
		case g.chance(0.9):
			changed[name] = before[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok && g.chance(0.5) {
			changed[name] = after[name]
		}
	}
	return changed
}

func clone(value any) any {
	var cloned any
	if err := json.Unmarshal(encode(value), &cloned); err != nil {
		panic(err)
	}
	return cloned
}
