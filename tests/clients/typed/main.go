// A session of programs that are written in Go: typed clients and informers that speak protobuf, and
// server-side apply as controllers use it. Ends with 1 at the first thing that is not as it should be.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// How long all of it may take.
const patience = 4 * time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := session(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func session(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	protobuf := rest.CopyConfig(config)
	protobuf.ContentType = "application/vnd.kubernetes.protobuf"
	protobuf.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	// Whoever answers in JSON is understood, too: nothing else would notice.
	otherwise := &otherwiseEncoded{}
	protobuf.Wrap(otherwise.watch)
	clients, err := kubernetes.NewForConfig(protobuf)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(namespace string) error
	}{
		{"objects", func(namespace string) error { return objects(ctx, clients, namespace) }},
		{"informers", func(namespace string) error { return informed(ctx, clients, namespace) }},
		{"apply", func(namespace string) error { return apply(ctx, clients, namespace) }},
		{"messages", func(namespace string) error { return messages(ctx, protobuf, clients, namespace) }},
		{"controller", func(namespace string) error { return controller(ctx, config, namespace) }},
	} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: part.name}}
		if _, err := clients.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if err := part.run(part.name); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if err := otherwise.error(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Println("ok", part.name)
	}
	return nil
}

// check compares what is with what should be.
func check[T comparable](what string, is, should T) error {
	if is == should {
		return nil
	}
	return fmt.Errorf("%s is %v, and should be %v", what, is, should)
}

// first gives the first error, if there is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
