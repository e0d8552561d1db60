package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// informed sees what is there, and each change of it, once and in order.
func informed(ctx context.Context, clients kubernetes.Interface, namespace string) error {
	configMaps := clients.CoreV1().ConfigMaps(namespace)
	object := func(name string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"tier": name}}}
	}
	if _, err := configMaps.Create(ctx, object("before"), metav1.CreateOptions{}); err != nil {
		return err
	}

	factory := informers.NewSharedInformerFactoryWithOptions(clients, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	changes := make(chan string, 16)
	name := func(object any) string { return object.(*corev1.ConfigMap).Name }
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { changes <- "added " + name(object) },
		UpdateFunc: func(_, object any) { changes <- "updated " + name(object) + " " + object.(*corev1.ConfigMap).Data["a"] },
		DeleteFunc: func(object any) { changes <- "deleted " + name(object) },
	})
	if err != nil {
		return err
	}
	// It waits for its informers, which end with the context.
	defer factory.Shutdown()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return fmt.Errorf("it does not synchronise")
	}

	after, err := configMaps.Create(ctx, object("after"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	after.Data = map[string]string{"a": "b"}
	if _, err := configMaps.Update(ctx, after, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err := configMaps.Delete(ctx, "before", metav1.DeleteOptions{}); err != nil {
		return err
	}
	for _, expected := range []string{"added before", "added after", "updated after b", "deleted before"} {
		select {
		case change := <-changes:
			if err := check("the next change", change, expected); err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("nobody says %q", expected)
		}
	}
	lister := factory.Core().V1().ConfigMaps().Lister().ConfigMaps(namespace)
	found, err := lister.List(labels.SelectorFromSet(labels.Set{"tier": "after"}))
	if err != nil {
		return err
	}
	return check("the number of objects with the label", len(found), 1)
}
