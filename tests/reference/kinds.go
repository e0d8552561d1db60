package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

const (
	// resources is where the repository lists what is served.
	resources = "../../plugins/apimachinery/data/resources.json"
	// openAPI is the module that has the documents which kube-apiserver publishes.
	openAPI = "k8s.io/kubernetes@v1.36.3"
)

// kind is one that can be patched.
type kind struct {
	schema.GroupVersionKind
	goType reflect.Type
	// types is the schema that apply goes by, and this kind's place in it.
	types *typed.TypedValue
	// managers are those of the object itself and of its status.
	managers map[string]*managedfields.FieldManager
}

// notChanged is what a write of the object itself, or of its status, leaves alone.
var notChanged = map[string]string{"": "status", "status": "spec"}

// kinds are all that can be patched, in the order of the list.
func kinds() ([]*kind, error) {
	for _, add := range []func(*runtime.Scheme) error{apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(scheme.Scheme); err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(resources)
	if err != nil {
		return nil, err
	}
	var listed []struct {
		Group, Version string
		ResponseKind   schema.GroupVersionKind
		Verbs          []string
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, err
	}
	converter, err := typeConverter()
	if err != nil {
		return nil, err
	}
	var all []*kind
	for _, resource := range listed {
		if slices.Contains(resource.Verbs, "patch") {
			served := schema.GroupVersionKind{Group: resource.Group, Version: resource.Version, Kind: resource.ResponseKind.Kind}
			made, err := newKind(served, converter)
			if err != nil {
				return nil, err
			}
			all = append(all, made)
		}
	}
	return all, nil
}

func newKind(of schema.GroupVersionKind, converter managedfields.TypeConverter) (*kind, error) {
	empty, err := scheme.Scheme.New(of)
	if err != nil {
		return nil, err
	}
	empty.GetObjectKind().SetGroupVersionKind(of)
	types, err := converter.ObjectToTyped(empty)
	if err != nil {
		return nil, err
	}
	made := &kind{of, reflect.TypeOf(empty).Elem(), types, map[string]*managedfields.FieldManager{}}
	for subresource, field := range notChanged {
		reset := fieldpath.NewSet(fieldpath.MakePathOrDie(field))
		made.managers[subresource], err = managedfields.NewDefaultFieldManager(
			converter, scheme.Scheme, noDefaults{}, scheme.Scheme, of, of.GroupVersion(), subresource,
			map[fieldpath.APIVersion]fieldpath.Filter{fieldpath.APIVersion(of.GroupVersion().String()): fieldpath.NewExcludeSetFilter(reset)})
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

// typeConverter knows what kube-apiserver knows: the types of its own documents.
func typeConverter() (managedfields.TypeConverter, error) {
	answer, err := exec.Command("go", "mod", "download", "-json", openAPI).Output()
	if err != nil {
		return nil, err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(answer, &module); err != nil {
		return nil, err
	}
	documents, err := filepath.Glob(filepath.Join(module.Dir, "api/openapi-spec/v3/*_openapi.json"))
	if err != nil {
		return nil, err
	}
	types := map[string]*spec.Schema{}
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var document struct {
			Components struct{ Schemas map[string]*spec.Schema }
		}
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, err
		}
		maps.Copy(types, document.Components.Schemas)
	}
	return managedfields.NewTypeConverter(types, false)
}

// noDefaults leaves objects as they were merged: defaults are not what is tested here.
type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

// tree is an object of this kind.
func (k *kind) tree(of object) object {
	of["apiVersion"], of["kind"] = k.GroupVersion().String(), k.Kind
	return of
}

// decode reads an object as upstream's type.
func (k *kind) decode(text []byte) (runtime.Object, error) {
	decoded := k.empty()
	if err := json.Unmarshal(text, decoded); err != nil {
		return nil, err
	}
	decoded.GetObjectKind().SetGroupVersionKind(k.GroupVersionKind)
	return decoded, nil
}

func (k *kind) empty() runtime.Object {
	empty := reflect.New(k.goType).Interface().(runtime.Object)
	empty.GetObjectKind().SetGroupVersionKind(k.GroupVersionKind)
	return empty
}
