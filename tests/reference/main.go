// Command reference records what upstream's libraries make of generated patches and writes.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
)

// Case is one line of the recording.
type Case struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Patch      *Patch  `json:"patch,omitempty"`
	Writes     []Write `json:"writes,omitempty"`
}

func main() {
	seed := flag.Int64("seed", 1, "what the cases are drawn from")
	patches := flag.Int("patches", 6, "how many patches there are of each kind")
	sequences := flag.Int("sequences", 2, "how many sequences of writes there are of each kind")
	only := flag.String("kind", "", "the one kind that cases are drawn for")
	flag.Parse()
	if err := record(*seed, *patches, *sequences, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func record(seed int64, patches, sequences int, only string) error {
	all, err := kinds()
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	unsteady := 0
	for _, k := range all {
		if only != "" && only != k.Kind {
			continue
		}
		random := rand.New(rand.NewSource(seed))
		for range patches {
			patch := drawPatch(newGenerator(random), k)
			if patch == nil {
				unsteady++
				continue
			}
			if err := out.Encode(Case{k.GroupVersion().String(), k.Kind, patch, nil}); err != nil {
				return err
			}
		}
		for range sequences {
			writes := drawWrites(newGenerator(random), k)
			if err := out.Encode(Case{k.GroupVersion().String(), k.Kind, nil, writes}); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(os.Stderr, "left out %d patches that upstream answers in several ways, or not at all\n", unsteady)
	return nil
}

func encode(value any) json.RawMessage {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
