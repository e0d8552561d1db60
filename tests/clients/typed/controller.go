package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// controller writes as controllers do that are made with controller-runtime.
func controller(ctx context.Context, config *rest.Config, namespace string) error {
	clients, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}

	// Creates it, then has nothing to change.
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings", Namespace: namespace}}
	for _, expected := range []controllerutil.OperationResult{controllerutil.OperationResultCreated, controllerutil.OperationResultNone} {
		result, err := controllerutil.CreateOrUpdate(ctx, clients, settings, func() error {
			settings.Data = map[string]string{"colour": "green"}
			return nil
		})
		if err := first(err, check("what was done", result, expected)); err != nil {
			return err
		}
	}

	// Applies a typed and an untyped object.
	wanted := corev1apply.ConfigMap("settings", namespace).WithData(map[string]string{"shape": "round"})
	if err := clients.Apply(ctx, wanted, client.FieldOwner("painter")); err != nil {
		return err
	}
	untyped := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Service",
		"metadata":   map[string]any{"name": "web", "namespace": namespace},
		"spec":       map[string]any{"ports": []any{map[string]any{"port": int64(80)}}},
	}}
	if err := clients.Apply(ctx, client.ApplyConfigurationFromUnstructured(untyped), client.FieldOwner("painter"), client.ForceOwnership); err != nil {
		return err
	}
	read := &corev1.ConfigMap{}
	service := &corev1.Service{}
	if err := first(
		clients.Get(ctx, client.ObjectKeyFromObject(settings), read),
		clients.Get(ctx, client.ObjectKeyFromObject(untyped), service),
		check("what both have set", read.Data["colour"]+" "+read.Data["shape"], "green round"),
		check("the default of the protocol", service.Spec.Ports[0].Protocol, corev1.ProtocolTCP),
	); err != nil {
		return err
	}

	// Changes only what differs, unless somebody else has written.
	before := read.DeepCopy()
	read.Data["colour"] = "red"
	controllerutil.AddFinalizer(read, "example.com/hold")
	locked := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := first(clients.Patch(ctx, read, locked), clients.Delete(ctx, read)); err != nil {
		return err
	}
	held := &corev1.ConfigMap{}
	if err := clients.Get(ctx, client.ObjectKeyFromObject(read), held); err != nil {
		return err
	}
	if err := check("that it waits for its finalizer", held.DeletionTimestamp.IsZero(), false); err != nil {
		return err
	}
	controllerutil.RemoveFinalizer(held, "example.com/hold")
	if err := clients.Update(ctx, held); err != nil {
		return err
	}
	return check("that it is gone", errors.IsNotFound(clients.Get(ctx, client.ObjectKeyFromObject(read), held)), true)
}
