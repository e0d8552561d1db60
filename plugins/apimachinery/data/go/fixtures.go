// Prints `../../tests/fixtures/protobuf.jsonl`: one object of every kind with made-up content, as
// upstream writes it in JSON and in protobuf.
//
//	go run . fixtures > ../../tests/fixtures/protobuf.jsonl
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"
)

type fixture struct {
	JSON     json.RawMessage `json:"json"`
	Protobuf []byte          `json:"protobuf"`
}

func printFixtures() error {
	if err := addToScheme(); err != nil {
		return err
	}
	text, err := os.ReadFile("../types.json")
	if err != nil {
		return err
	}
	var types map[string]struct{ Kinds []string }
	if err := json.Unmarshal(text, &types); err != nil {
		return err
	}
	var kinds []string
	for _, facts := range types {
		kinds = append(kinds, facts.Kinds...)
	}
	slices.Sort(kinds)
	fill := filler()
	serializer := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	for _, kind := range kinds {
		groupVersion, name, _ := strings.Cut(kind, " ")
		parsed, err := schema.ParseGroupVersion(strings.TrimPrefix(groupVersion, "core/"))
		if err != nil {
			return err
		}
		// A list repeats what its items show.
		if strings.HasSuffix(name, "List") {
			continue
		}
		object, err := scheme.Scheme.New(parsed.WithKind(name))
		if err != nil {
			continue
		}
		fill.Fill(object)
		object.GetObjectKind().SetGroupVersionKind(parsed.WithKind(name))
		if object.GetObjectKind().GroupVersionKind().Empty() {
			// A watch's event has no kind.
			continue
		}
		if err := printFixture(object, serializer); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func printFixture(object runtime.Object, serializer runtime.Serializer) error {
	var written bytes.Buffer
	if err := serializer.Encode(object, &written); err != nil {
		return err
	}
	asJSON, err := json.Marshal(object)
	if err != nil {
		return err
	}
	line, err := json.Marshal(fixture{JSON: asJSON, Protobuf: written.Bytes()})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

// filler makes the same content in every run. Zeros are among it.
func filler() *randfill.Filler {
	pick := func(c randfill.Continue, values ...string) string { return values[c.Intn(len(values))] }
	raw := func(c randfill.Continue) []byte { return []byte(pick(c, `{"a":[1,"<b>"]}`, `{"c":null}`, `{}`)) }
	return randfill.New().RandSource(rand.NewSource(36)).NilChance(0.6).NumElements(1, 2).MaxDepth(12).Funcs(
		func(s *string, c randfill.Continue) { *s = pick(c, "", "a", "b-c", "é <&>", "x/y", "z.example.com") },
		func(n *int32, c randfill.Continue) { *n = []int32{0, 1, -1, 1 << 30}[c.Intn(4)] },
		func(n *int64, c randfill.Continue) { *n = []int64{0, 1, -1, 1 << 60}[c.Intn(4)] },
		func(n *float64, c randfill.Continue) { *n = []float64{0, 1.5, -2, 1e30}[c.Intn(4)] },
		func(b *[]byte, c randfill.Continue) { *b = []byte(pick(c, "\x00\xff", "text")) },
		func(q *resource.Quantity, c randfill.Continue) {
			*q = resource.MustParse(pick(c, "0", "1", "500m", "2Gi", "3e3", "-7k"))
		},
		func(t *metav1.Time, c randfill.Continue) { *t = metav1.Unix(int64(c.Intn(1<<31)), 0) },
		func(t *metav1.MicroTime, c randfill.Continue) {
			*t = metav1.NewMicroTime(metav1.Unix(int64(c.Intn(1<<31)), int64(c.Intn(1e6))*1000).Time)
		},
		func(i *intstr.IntOrString, c randfill.Continue) {
			*i = []intstr.IntOrString{intstr.FromInt32(0), intstr.FromInt32(80), intstr.FromString("25%")}[c.Intn(3)]
		},
		func(r *runtime.RawExtension, c randfill.Continue) { r.Raw = raw(c) },
		func(f *metav1.FieldsV1, c randfill.Continue) { f.SetRawBytes(raw(c)) },
		func(j *apiextensions.JSON, c randfill.Continue) { j.Raw = raw(c) },
		func(j *apiextensions.JSONSchemaPropsOrArray, c randfill.Continue) {
			if c.Bool() {
				j.Schema = &apiextensions.JSONSchemaProps{Type: "string"}
			} else {
				j.JSONSchemas = []apiextensions.JSONSchemaProps{{Type: "integer"}, {}}
			}
		},
		func(j *apiextensions.JSONSchemaPropsOrBool, c randfill.Continue) {
			if j.Allows = c.Bool(); j.Allows && c.Bool() {
				j.Schema = &apiextensions.JSONSchemaProps{Type: "string"}
			}
		},
		func(j *apiextensions.JSONSchemaPropsOrStringArray, c randfill.Continue) {
			if c.Bool() {
				j.Schema = &apiextensions.JSONSchemaProps{Type: "string"}
			} else {
				j.Property = []string{"a", "b"}
			}
		},
		func(j *apiextensions.JSONSchemaProps, c randfill.Continue) {
			// Schemas hold schemas: far enough, and no further.
			depthOfSchemas++
			if depthOfSchemas < 3 {
				c.FillNoCustom(j)
			}
			depthOfSchemas--
		},
	)
}

var depthOfSchemas int
