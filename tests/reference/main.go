// Command reference records what upstream's libraries make of generated patches and writes.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

// writesPerSequence is how often one object is written.
const writesPerSequence = 6

var kind = appsv1.SchemeGroupVersion.WithKind("Deployment")

// Patch is a strategic merge patch and what came of it.
type Patch struct {
	Live   json.RawMessage `json:"live"`
	Patch  object          `json:"patch"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Write is an update or an apply of the object that the write before it left.
type Write struct {
	Manager     string          `json:"manager"`
	Subresource string          `json:"subresource,omitempty"`
	Update      json.RawMessage `json:"update,omitempty"`
	Apply       object          `json:"apply,omitempty"`
	Force       bool            `json:"force,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
	Error       string          `json:"error,omitempty"`
}

// Case is one line of the recording.
type Case struct {
	Patch  *Patch  `json:"patch,omitempty"`
	Writes []Write `json:"writes,omitempty"`
}

func main() {
	seed := flag.Int64("seed", 1, "what the cases are drawn from")
	cases := flag.Int("cases", 40, "how many patches, and how many sequences of writes")
	flag.Parse()

	draw := generator{rand.New(rand.NewSource(*seed))}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	record := func(c Case) {
		if err := out.Encode(c); err != nil {
			panic(err)
		}
	}
	for range *cases {
		record(Case{Patch: patch(draw)})
	}
	managers := newManagers()
	for range *cases {
		record(Case{Writes: writes(draw, managers)})
	}
}

func patch(draw generator) *Patch {
	live := encode(decode(draw.deployment(false)))
	recorded := &Patch{Live: live, Patch: draw.deployment(true)}
	patched, err := strategicpatch.StrategicMergePatch(live, encode(recorded.Patch), appsv1.Deployment{})
	if err != nil {
		recorded.Error = err.Error()
		return recorded
	}
	result := &appsv1.Deployment{}
	if err := json.Unmarshal(patched, result); err != nil {
		panic(fmt.Sprintf("a patched deployment is none: %v", err))
	}
	recorded.Result = encode(result)
	return recorded
}

func writes(draw generator, managers map[string]*managedfields.FieldManager) []Write {
	var recorded []Write
	var live *appsv1.Deployment
	for range writesPerSequence {
		write := Write{Manager: draw.pick("one", "two", "three")}
		if live != nil && draw.chance(0.15) {
			write.Subresource = "status"
		}
		// The live object of a create is an empty one.
		before := &appsv1.Deployment{TypeMeta: typeMeta()}
		if live != nil {
			before = live.DeepCopy()
		}

		var after runtime.Object
		var err error
		if draw.chance(0.5) {
			next := decode(draw.change(before))
			next.Name, next.UID = "d", before.UID
			next.ManagedFields = before.DeepCopy().ManagedFields
			write.Update = encode(next)
			after, err = managers[write.Subresource].Update(before, next, write.Manager)
		} else {
			write.Apply, write.Force = draw.applied(), draw.chance(0.4)
			after, err = managers[write.Subresource].Apply(before, tree(write.Apply), write.Manager, write.Force)
		}
		if err != nil {
			write.Error = err.Error()
		} else {
			live = after.(*appsv1.Deployment)
			live.TypeMeta = typeMeta()
			live.UID = "u"
			write.Result = encode(live)
		}
		recorded = append(recorded, write)
	}
	return recorded
}

func newManagers() map[string]*managedfields.FieldManager {
	types := applyconfigurations.NewTypeConverter(scheme.Scheme)
	managers := map[string]*managedfields.FieldManager{}
	for _, subresource := range []string{"", "status"} {
		manager, err := managedfields.NewDefaultFieldManager(
			types, scheme.Scheme, noDefaults{}, scheme.Scheme, kind, kind.GroupVersion(), subresource, nil)
		if err != nil {
			panic(err)
		}
		managers[subresource] = manager
	}
	return managers
}

// noDefaults leaves objects as they were merged: defaults are not what is tested here.
type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

func typeMeta() metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind}
}

func decode(from object) *appsv1.Deployment {
	decoded := &appsv1.Deployment{}
	if err := json.Unmarshal(encode(from), decoded); err != nil {
		panic(err)
	}
	decoded.TypeMeta = typeMeta()
	return decoded
}

func tree(from object) *unstructured.Unstructured {
	decoded := &unstructured.Unstructured{}
	if err := decoded.UnmarshalJSON(encode(from)); err != nil {
		panic(err)
	}
	return decoded
}

func encode(value any) json.RawMessage {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
