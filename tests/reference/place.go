package main

import (
	"reflect"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// place is where a value is drawn for: the Go type of what stands there, which strategic merge
// goes by, and the type that apply has for it.
type place struct {
	goType reflect.Type
	tag    reflect.StructTag
	types  *schema.Schema
	ref    schema.TypeRef
}

// field is one of a struct, or of a struct that it embeds.
type field struct {
	name string
	place
}

// notDrawn are what the server alone sets, or what identifies an object.
var notDrawn = []string{
	"kind", "apiVersion", "name", "namespace", "generateName", "selfLink", "uid", "resourceVersion", "generation",
	"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields",
}

func (p place) atom() schema.Atom {
	atom, _ := p.types.Resolve(p.ref)
	return atom
}

// fields are those of a struct in the order of its declaration.
func (p place) fields() []field {
	var all []field
	for index := range p.goType.NumField() {
		declared := p.goType.Field(index)
		name, options, _ := strings.Cut(declared.Tag.Get("json"), ",")
		member := place{indirect(declared.Type), declared.Tag, p.types, p.ref}
		switch {
		case declared.Anonymous && name == "" && declared.Type == reflect.TypeFor[metav1.TypeMeta]():
		case declared.Anonymous && (name == "" || strings.Contains(options, "inline")):
			all = append(all, member.fields()...)
		case name == "" || name == "-":
		case p.goType == reflect.TypeFor[metav1.ObjectMeta]() && slices.Contains(notDrawn, name):
		default:
			if of := p.atom().Map; of != nil {
				known, _ := of.FindField(name)
				member.ref = known.Type
			}
			all = append(all, field{name, member})
		}
	}
	return all
}

// items is the place of a list's items, or of a map's values.
func (p place) items() place {
	below := place{goType: indirect(p.goType.Elem()), types: p.types}
	switch atom := p.atom(); {
	case atom.List != nil:
		below.ref = atom.List.ElementType
	case atom.Map != nil:
		below.ref = atom.Map.ElementType
	}
	return below
}

// keys are what tells the items of a list apart for apply.
func (p place) keys() []string {
	if list := p.atom().List; list != nil {
		return list.Keys
	}
	return nil
}

func (p place) isSet() bool {
	list := p.atom().List
	return list != nil && list.ElementRelationship == schema.Associative && len(list.Keys) == 0
}

func (p place) mergeKey() string { return p.tag.Get("patchMergeKey") }

func (p place) strategies() []string { return strings.Split(p.tag.Get("patchStrategy"), ",") }

func (p place) isMerged() bool { return slices.Contains(p.strategies(), "merge") }

// structured tells whether there is anything below.
func (p place) structured() bool {
	if _, ok := ownForm[p.goType]; ok {
		return false
	}
	switch p.goType.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice:
		return true
	default:
		return false
	}
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// ownForm has what is drawn of types whose JSON does not follow from what they are made of.
var ownForm = map[reflect.Type]list{
	reflect.TypeFor[[]byte]():               {"YQ==", "Yg==", ""},
	reflect.TypeFor[metav1.Time]():          {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
	reflect.TypeFor[metav1.MicroTime]():     {"2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000000Z"},
	reflect.TypeFor[metav1.Duration]():      {"1s", "1h0m0s"},
	reflect.TypeFor[resource.Quantity]():    {"1", "2", "1000m", "500m", "1Gi", "0"},
	reflect.TypeFor[intstr.IntOrString]():   {0, 1, "a", "50%"},
	reflect.TypeFor[runtime.RawExtension](): {object{"a": object{"b": 1}}, object{"a": object{"c": list{1, 2}}}, object{"d": "e"}},
	reflect.TypeFor[apiextensions.JSON]():   {1, "a", object{"a": list{1}}, object{"b": object{"c": true}}},
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray](): {
		object{"type": "string"}, object{"type": "object"},
	},
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool]():        {true, false, object{"type": "string"}},
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](): {list{"a", "b"}, object{"type": "string"}},
}
