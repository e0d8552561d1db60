package main

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// Patch is a strategic merge patch and what came of it.
type Patch struct {
	Live   json.RawMessage `json:"live"`
	Patch  json.RawMessage `json:"patch"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// attempts are how often upstream has to say the same: it goes through maps in random order.
const attempts = 8

// drawPatch is nothing where upstream has several answers, or none.
func drawPatch(g *generator, k *kind) *Patch {
	live := present(k, g.object(k))
	drawn := &Patch{Live: live, Patch: encode(g.patch(k))}
	if g.chance(0.4) {
		wanted := present(k, g.change(asObject(live), asObject(present(k, g.object(k)))).(object))
		between, err := strategicpatch.CreateTwoWayMergePatch(live, wanted, k.empty())
		if err != nil {
			return nil
		}
		drawn.Patch = between
	}
	for attempt := range attempts {
		result, problem := patched(k, drawn)
		if result == nil && problem == "" {
			return nil
		}
		if attempt > 0 && (string(result) != string(drawn.Result) || problem != drawn.Error) {
			return nil
		}
		drawn.Result, drawn.Error = result, problem
	}
	return drawn
}

// patched is nothing if upstream does not survive the patch, or cannot read what it leaves.
func patched(k *kind, drawn *Patch) (result json.RawMessage, problem string) {
	defer func() {
		if recover() != nil {
			result, problem = nil, ""
		}
	}()
	merged, err := strategicpatch.StrategicMergePatch(drawn.Live, drawn.Patch, k.empty())
	if err != nil {
		return nil, err.Error()
	}
	decoded, err := k.decode(merged)
	if err != nil {
		return nil, ""
	}
	return encode(decoded), ""
}

// present is a drawn object as upstream writes it.
func present(k *kind, drawn object) json.RawMessage {
	decoded, err := k.decode(encode(drawn))
	if err != nil {
		panic(err)
	}
	return encode(decoded)
}

func asObject(text []byte) object {
	var decoded object
	if err := json.Unmarshal(text, &decoded); err != nil {
		panic(err)
	}
	return decoded
}
