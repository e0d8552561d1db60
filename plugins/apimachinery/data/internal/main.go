// Prints `../internal-types.json`: how upstream's internal types show in messages, which is as
// Go writes a struct that has no JSON names. Differences of specs and invalid structs show so.
//
//	go run . > ../internal-types.json
//
// A struct is listed by the OpenAPI name of its v1 form, with its fields in order:
//
//	go    the name that shows
//	json  where the value is in the v1 form; `../` leads to the object around it
//	kind  what shows if there is none: null, text, number, bool, struct, quantity, or
//	      nothing (omitted)
//	of    the struct that it holds, itself, in a list or in a map
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
)

type field struct {
	Go   string `json:"go"`
	JSON string `json:"json"`
	Kind string `json:"kind"`
	Of   string `json:"of,omitempty"`
}

// moved are fields that the v1 form has in the object around.
var moved = map[string]bool{"HostNetwork": true, "HostPID": true, "HostIPC": true, "HostUsers": true, "ShareProcessNamespace": true}

type collector map[string][]field

func main() {
	c := collector{}
	for kind, internal := range legacyscheme.Scheme.AllKnownTypes() {
		if kind.Version != runtime.APIVersionInternal || strings.HasSuffix(kind.Kind, "List") {
			continue
		}
		for _, version := range legacyscheme.Scheme.PrioritizedVersionsForGroup(kind.Group) {
			if version.Version != "v1" && version.String() != "autoscaling/v2" {
				continue
			}
			external, ok := legacyscheme.Scheme.KnownTypes(version)[kind.Kind]
			if ok && strings.HasPrefix(internal.PkgPath(), "k8s.io/kubernetes/") && strings.HasPrefix(external.PkgPath(), "k8s.io/api/") {
				c.visit(internal, external)
			}
		}
	}
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println("{")
	for i, name := range names {
		text, err := json.Marshal(c[name])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		fmt.Printf("%q: %s%s\n", name, text, comma)
	}
	fmt.Println("}")
}

func openAPIName(t reflect.Type) string {
	path := strings.Replace(t.PkgPath(), "k8s.io/", "io.k8s.", 1)
	return strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

// elem is what a pointer, list or map holds at the end.
func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

func (c collector) visit(internal, external reflect.Type) {
	internal, external = elem(internal), elem(external)
	if internal.Kind() != reflect.Struct || external.Kind() != reflect.Struct || !strings.HasPrefix(internal.PkgPath(), "k8s.io/kubernetes/") {
		return
	}
	name := openAPIName(external)
	if _, seen := c[name]; seen {
		return
	}
	c[name] = nil
	c[name] = c.fields(internal, external)
}

func (c collector) fields(internal, external reflect.Type) []field {
	var fields []field
	for i := range internal.NumField() {
		f := internal.Field(i)
		if f.Type == reflect.TypeOf(metav1.TypeMeta{}) || !f.IsExported() {
			continue
		}
		if f.Type == reflect.TypeOf(metav1.ObjectMeta{}) {
			fields = append(fields, field{Go: "", JSON: "metadata", Kind: "metadata"})
			continue
		}
		if f.Anonymous {
			// Embedded in the v1 form too, or its fields stand there.
			within := external
			if e, ok := external.FieldByName(f.Name); ok {
				within = elem(e.Type)
				if jsonName(e) != "" {
					for _, inner := range c.fields(f.Type, within) {
						inner.JSON = jsonName(e) + "." + inner.JSON
						fields = append(fields, inner)
					}
					continue
				}
			}
			fields = append(fields, c.fields(elem(f.Type), within)...)
			continue
		}
		entry := field{Go: f.Name, Kind: kind(f.Type)}
		if tag := f.Tag.Get("json"); tag != "" {
			entry.Go = strings.Split(tag, ",")[0]
			if strings.Contains(tag, "omitempty") {
				entry.Kind = "nothing"
			}
		}
		if e, ok := external.FieldByName(f.Name); ok {
			entry.JSON = jsonName(e)
			c.visit(f.Type, e.Type)
			if _, listed := c[openAPIName(elem(e.Type))]; listed {
				entry.Of = openAPIName(elem(e.Type))
			} else if inner := elem(e.Type); inner.Kind() == reflect.Struct && kind(inner) == "struct" && strings.Contains(inner.PkgPath(), "apimachinery") {
				entry.Of = openAPIName(inner)
			}
		} else if moved[f.Name] {
			entry.JSON = "../" + strings.ToLower(f.Name[:1]) + f.Name[1:]
		}
		fields = append(fields, entry)
	}
	return fields
}

func jsonName(f reflect.StructField) string { return strings.Split(f.Tag.Get("json"), ",")[0] }

func kind(t reflect.Type) string {
	switch t {
	case reflect.TypeOf(resource.Quantity{}):
		return "quantity"
	case reflect.TypeOf(intstr.IntOrString{}):
		return "number"
	case reflect.TypeOf(metav1.Time{}), reflect.TypeOf(metav1.MicroTime{}):
		return "null"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "bool"
	case reflect.Struct:
		return "struct"
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return "null"
	default:
		return "number"
	}
}
