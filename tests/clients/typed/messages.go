package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

const protobufType = "application/vnd.kubernetes.protobuf"

// otherwiseEncoded are answers that are not in protobuf.
type otherwiseEncoded struct {
	lock   sync.Mutex
	answer []error
}

func (seen *otherwiseEncoded) watch(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err != nil {
			return response, err
		}
		expected := protobufType
		if request.URL.Query().Get("watch") != "" && response.StatusCode == http.StatusOK {
			expected += ";stream=watch"
		}
		kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";g=")
		if err := check(request.Method+" "+request.URL.Path+" in", kind, expected); err != nil {
			seen.lock.Lock()
			defer seen.lock.Unlock()
			seen.answer = append(seen.answer, err)
		}
		return response, nil
	})
}

func (seen *otherwiseEncoded) error() error {
	seen.lock.Lock()
	defer seen.lock.Unlock()
	return errors.Join(seen.answer...)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (trip roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	return trip(request)
}

// messages reads what few programs ask for in protobuf: bookmarks, errors, metadata, discovery.
func messages(ctx context.Context, config *rest.Config, clients kubernetes.Interface, namespace string) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "example.com/a:1"}}},
	}
	if _, err := clients.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	only, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	pods := only.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(namespace)
	initial := true
	options := metav1.ListOptions{
		AllowWatchBookmarks: true, SendInitialEvents: &initial,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	}
	whole, err := clients.CoreV1().Pods(namespace).Watch(ctx, options)
	if err != nil {
		return err
	}
	defer whole.Stop()
	partial, err := pods.Watch(ctx, options)
	if err != nil {
		return err
	}
	defer partial.Stop()
	for _, what := range []struct {
		watch watch.Interface
		of    string
	}{{whole, "*v1.Pod"}, {partial, "*v1.PartialObjectMetadata"}} {
		if err := first(
			told(what.watch, watch.Added, what.of, "a", ""),
			told(what.watch, watch.Bookmark, what.of, "", "true"),
		); err != nil {
			return err
		}
	}
	// Who does not say how a watch begins is told of all there is first; the last bookmark comes two seconds before the end.
	seconds := int64(3)
	short, err := clients.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{
		AllowWatchBookmarks: true, TimeoutSeconds: &seconds, FieldSelector: "metadata.name=none",
	})
	if err != nil {
		return err
	}
	defer short.Stop()
	if err := first(told(short, watch.Bookmark, "*v1.Pod", "", "true"), told(short, watch.Bookmark, "*v1.Pod", "", "")); err != nil {
		return err
	}
	found, err := pods.Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		return err
	}
	list, err := pods.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	_, missing := clients.CoreV1().Pods(namespace).Get(ctx, "missing", metav1.GetOptions{})
	_, unknown := clients.CoreV1().RESTClient().Get().AbsPath("/api/v1/nonsense").DoRaw(ctx)
	if err := first(
		check("the name", found.Name, "a"),
		check("the number of objects", len(list.Items), 1),
		check("that a missing one is not found", apierrors.IsNotFound(missing), true),
		check("that an unknown resource is not found", apierrors.IsNotFound(unknown), true),
	); err != nil {
		return err
	}
	// Refused before anybody asks for what.
	stranger := rest.AnonymousClientConfig(config)
	stranger.BearerToken = "nonsense"
	strangers, err := kubernetes.NewForConfig(stranger)
	if err != nil {
		return err
	}
	_, refused := strangers.CoreV1().Pods(namespace).Get(ctx, "a", metav1.GetOptions{})
	if err := check("that a stranger is refused", apierrors.IsUnauthorized(refused), true); err != nil {
		return err
	}
	return discovered(ctx, clients)
}

// told takes the next event of a watch.
func told(from watch.Interface, kind watch.EventType, of, name, endOfInitialEvents string) error {
	event, open := <-from.ResultChan()
	if !open {
		return fmt.Errorf("a watch of %s ended", of)
	}
	object, is := event.Object.(metav1.Object)
	if !is {
		return fmt.Errorf("a watch of %s told of %v", of, event)
	}
	return first(
		check("the event", event.Type, kind),
		check("the type", fmt.Sprintf("%T", event.Object), of),
		check("the name", object.GetName(), name),
		check("the end of the initial events", object.GetAnnotations()[metav1.InitialEventsAnnotationKey], endOfInitialEvents),
	)
}

// discovered reads the documents of discovery.
func discovered(ctx context.Context, clients kubernetes.Interface) error {
	read := func(path, accept string) ([]byte, error) {
		body, err := clients.CoreV1().RESTClient().Get().AbsPath(path).SetHeader("Accept", accept).DoRaw(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		message, isMessage := bytes.CutPrefix(body, []byte("k8s\x00"))
		if !isMessage {
			return nil, fmt.Errorf("%s is no message", path)
		}
		var envelope runtime.Unknown
		err = envelope.Unmarshal(message)
		return envelope.Raw, err
	}
	var groups metav1.APIGroupList
	var resources metav1.APIResourceList
	var aggregated apidiscovery.APIGroupDiscoveryList
	for path, document := range map[string]interface{ Unmarshal([]byte) error }{
		"/apis": &groups, "/apis/apps": &metav1.APIGroup{}, "/api": &metav1.APIVersions{}, "/api/v1": &resources,
	} {
		message, err := read(path, protobufType)
		if err != nil {
			return err
		}
		if err := document.Unmarshal(message); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	message, err := read("/apis", protobufType+";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
	if err != nil {
		return err
	}
	if err := aggregated.Unmarshal(message); err != nil {
		return err
	}
	if err := check("the number of groups", len(aggregated.Items), len(groups.Groups)); err != nil {
		return err
	}
	for _, resource := range resources.APIResources {
		if resource.Name == "pods" {
			return check("the kind", resource.Kind, "Pod")
		}
	}
	return fmt.Errorf("no pods in %v", resources)
}
