package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// writesPerSequence is how often one object is written.
const writesPerSequence = 5

// Write is an update or an apply of the object that the write before it left.
type Write struct {
	Manager     string          `json:"manager"`
	Subresource string          `json:"subresource,omitempty"`
	Time        metav1.Time     `json:"time"`
	Update      json.RawMessage `json:"update,omitempty"`
	Apply       json.RawMessage `json:"apply,omitempty"`
	Force       bool            `json:"force,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
	Error       string          `json:"error,omitempty"`
}

func drawWrites(g *generator, k *kind) []Write {
	var recorded []Write
	var live runtime.Object
	for len(recorded) < writesPerSequence {
		// Long ago, so that now is later.
		write := Write{Manager: pick(g, "one", "two", "three"), Time: metav1.Unix(1e9+int64(len(recorded)), 0)}
		if live != nil && g.chance(0.15) {
			write.Subresource = "status"
		}
		if g.chance(0.45) {
			write.Update = g.update(k, live)
		} else {
			applied := g.object(k)
			accessor(applied).SetName("d")
			write.Apply, write.Force = encode(applied), g.chance(0.4)
		}
		var after runtime.Object
		for attempt := range attempts {
			result, err := write.carryOut(k, live)
			problem := ""
			if err != nil {
				problem = err.Error()
			}
			if attempt > 0 && (problem != write.Error || !reflect.DeepEqual(result, after)) {
				return recorded
			}
			after, write.Error = result, problem
		}
		if after != nil {
			write.Result = encode(after)
			// As it is read from where it was stored.
			stored, err := k.decode(write.Result)
			if err != nil {
				panic(err)
			}
			live = stored
		}
		recorded = append(recorded, write)
	}
	return recorded
}

// update is what somebody makes of an object, or of nothing.
func (g *generator) update(k *kind, live runtime.Object) json.RawMessage {
	drawn := g.object(k)
	if live != nil && g.chance(0.8) {
		drawn = g.change(asObject(encode(live)), asObject(present(k, drawn))).(object)
	}
	next, err := k.decode(encode(drawn))
	if err != nil {
		panic(err)
	}
	metadata, owners := accessor(next), []metav1.ManagedFieldsEntry(nil)
	metadata.SetName("d")
	if live != nil {
		metadata.SetUID(accessor(live).GetUID())
		owners = accessor(live.DeepCopyObject()).GetManagedFields()
	}
	switch {
	case g.chance(0.1):
		owners = nil
	case g.chance(0.05):
		// This is how somebody clears them.
		owners = []metav1.ManagedFieldsEntry{{}}
	}
	metadata.SetManagedFields(owners)
	return encode(next)
}

// carryOut is nothing if it cannot be.
func (w *Write) carryOut(k *kind, live runtime.Object) (runtime.Object, error) {
	before := k.empty()
	if live != nil {
		before = live.DeepCopyObject()
	}
	var after runtime.Object
	var err error
	if w.Update != nil {
		next, problem := k.decode(w.Update)
		if problem != nil {
			panic(problem)
		}
		after = k.managers[w.Subresource].UpdateNoErrors(before, next, w.Manager)
	} else {
		applied := &unstructured.Unstructured{}
		if err := applied.UnmarshalJSON(w.Apply); err != nil {
			panic(fmt.Sprintf("what is applied is no object: %v", err))
		}
		after, err = k.managers[w.Subresource].Apply(before, applied, w.Manager, w.Force)
	}
	if err != nil {
		return nil, err
	}
	after.GetObjectKind().SetGroupVersionKind(k.GroupVersionKind)
	metadata := accessor(after)
	metadata.SetUID(types.UID("u"))
	owners := metadata.GetManagedFields()
	for at := range owners {
		if owners[at].Time != nil && owners[at].Time.Time.Year() > time.Unix(1e9, 0).Year() {
			owners[at].Time = w.Time.DeepCopy()
		}
	}
	metadata.SetManagedFields(owners)
	return after, nil
}

func accessor(of any) metav1.Object {
	if tree, ok := of.(object); ok {
		return &unstructured.Unstructured{Object: tree}
	}
	accessor, err := meta.Accessor(of)
	if err != nil {
		panic(err)
	}
	return accessor
}
