// Prints `../go-types.json`: what the Go structs behind `../types.json` say and OpenAPI does not.
//
//	go run . facts > ../go-types.json
//
// A field is listed with
//
//	go   its Go type, where the schema does not imply it: a named type (`v1.Protocol`), a
//	     pointer to a scalar (a zero that was written is kept, a plain zero is not), or a
//	     struct that JSON leaves out without its being a pointer
//	pb   the protobuf numbers that lead to it, where types.json has none: it is in a struct
//	     that the type embeds, which travels as a message of its own
//	in   the Go names of the structs that the type embeds it by, as decoding errors tell them
//	at   its place in the struct from one on, in types whose fields are not in protobuf order
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

type fieldFacts struct {
	Go string   `json:"go,omitempty"`
	PB []int    `json:"pb,omitempty"`
	In []string `json:"in,omitempty"`
	At int      `json:"at,omitempty"`
}

type declared struct {
	Fields declaredFields
}

type declaredFields struct {
	of    map[string]declaredField
	order []string
}

type declaredField struct {
	Type, Format, Ref string
	PB                int
}

// UnmarshalJSON keeps the order.
func (f *declaredFields) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &f.of); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return err
		}
		f.order = append(f.order, name.(string))
	}
	return nil
}

// collector gathers facts of every struct that is reachable from a kind.
type collector struct {
	declared map[string]declared
	facts    map[string]map[string]fieldFacts
	seen     map[reflect.Type]bool
	order    map[string][]string
}

func printFacts() error {
	text, err := os.ReadFile("../types.json")
	if err != nil {
		return err
	}
	c := collector{facts: map[string]map[string]fieldFacts{}, seen: map[reflect.Type]bool{}, order: map[string][]string{}}
	if err := json.Unmarshal(text, &c.declared); err != nil {
		return err
	}
	if err := addToScheme(); err != nil {
		return err
	}
	for _, t := range scheme.Scheme.AllKnownTypes() {
		c.visit(t)
	}
	for _, value := range []any{metav1.Status{}, metav1.APIResourceList{}, metav1.APIGroupList{}, metav1.APIVersions{}, metav1.DeleteOptions{}} {
		c.visit(reflect.TypeOf(value))
	}
	c.places()
	return printByLine(c.facts)
}

// places notes the order of the fields where it is not that of the protobuf numbers.
func (c *collector) places() {
	for name, order := range c.order {
		declared := slices.DeleteFunc(slices.Clone(c.declared[name].Fields.order), func(field string) bool {
			return !slices.Contains(order, field)
		})
		if slices.Equal(declared, order) {
			continue
		}
		if c.facts[name] == nil {
			c.facts[name] = map[string]fieldFacts{}
		}
		for i, field := range order {
			facts := c.facts[name][field]
			facts.At = i + 1
			c.facts[name][field] = facts
		}
	}
}

// addToScheme adds the types of the servers that are not in client-go.
func addToScheme() error {
	if err := apiextensions.AddToScheme(scheme.Scheme); err != nil {
		return err
	}
	return apiregistration.AddToScheme(scheme.Scheme)
}

func (c *collector) visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		c.visit(t.Elem())
	case reflect.Struct:
		if c.seen[t] || t == reflect.TypeOf(time.Time{}) {
			return
		}
		c.seen[t] = true
		name := openAPIName(t)
		// Types with a wire format of their own (quantities, times) have no fields.
		if len(c.declared[name].Fields.of) != 0 {
			c.fields(name, t, nil, nil)
		}
	}
}

func (c *collector) fields(name string, t reflect.Type, within []int, embedders []string) {
	for i := range t.NumField() {
		field := t.Field(i)
		jsonName := strings.Split(field.Tag.Get("json"), ",")[0]
		number := protobufNumber(field)
		if field.Type == reflect.TypeOf(metav1.TypeMeta{}) {
			// Kind and version travel in the envelope.
			continue
		}
		if field.Anonymous && jsonName == "" {
			embedded := field.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			path := within
			if number != 0 {
				path = append(slices.Clone(within), number)
			}
			c.fields(name, embedded, path, append(slices.Clone(embedders), field.Name))
			continue
		}
		if jsonName == "" || jsonName == "-" || !field.IsExported() {
			continue
		}
		c.visit(field.Type)
		known, listed := c.declared[name].Fields.of[jsonName]
		if !listed {
			continue
		}
		c.order[name] = append(c.order[name], jsonName)
		facts := fieldFacts{In: embedders}
		if known.PB == 0 && number != 0 {
			facts.PB = append(slices.Clone(within), number)
		} else if known.PB != 0 && (known.PB != number || len(within) != 0) {
			panic(fmt.Sprintf("%s.%s: types.json says %d, Go says %d", name, jsonName, known.PB, number))
		}
		if !implied(field.Type) || strings.Contains(field.Tag.Get("json"), ",omitzero") {
			facts.Go = field.Type.String()
		}
		if facts.Go == "" && facts.PB == nil && facts.In == nil {
			continue
		}
		if c.facts[name] == nil {
			c.facts[name] = map[string]fieldFacts{}
		}
		c.facts[name][jsonName] = facts
	}
}

// implied tells whether the schema alone gives the Go type, apart from a pointer to a struct.
func implied(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return t.Elem().Kind() == reflect.Struct
	case reflect.Struct, reflect.Interface:
		return true
	case reflect.Slice:
		return t.Name() == "" && implied(t.Elem()) || t == reflect.TypeOf([]byte{})
	case reflect.Map:
		return t.Name() == "" && t.Key().Name() == "string" && implied(t.Elem())
	default:
		return t.PkgPath() == ""
	}
}

func protobufNumber(field reflect.StructField) int {
	parts := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return number
}

func openAPIName(t reflect.Type) string {
	path := strings.Replace(t.PkgPath(), "k8s.io/", "io.k8s.", 1)
	return strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

// printByLine writes one type a line, so that a change of one type is one line's change.
func printByLine(facts map[string]map[string]fieldFacts) error {
	names := make([]string, 0, len(facts))
	for name := range facts {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println("{")
	for i, name := range names {
		text, err := json.Marshal(facts[name])
		if err != nil {
			return err
		}
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		fmt.Printf("%q: %s%s\n", name, text, comma)
	}
	fmt.Println("}")
	return nil
}
