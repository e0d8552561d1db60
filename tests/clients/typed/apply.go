package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1apply "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	metav1apply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// apply shares an object between managers, and takes a part of it back.
func apply(ctx context.Context, clients kubernetes.Interface, namespace string) error {
	deployments := clients.AppsV1().Deployments(namespace)
	labels := map[string]string{"app": "web"}
	container := func(name, image string) *corev1apply.ContainerApplyConfiguration {
		return corev1apply.Container().WithName(name).WithImage(image)
	}
	wanted := func(containers ...*corev1apply.ContainerApplyConfiguration) *appsv1apply.DeploymentApplyConfiguration {
		template := corev1apply.PodTemplateSpec().WithLabels(labels).WithSpec(corev1apply.PodSpec().WithContainers(containers...))
		selector := metav1apply.LabelSelector().WithMatchLabels(labels)
		return appsv1apply.Deployment("web", namespace).WithSpec(appsv1apply.DeploymentSpec().WithSelector(selector).WithTemplate(template))
	}
	owner, other := metav1.ApplyOptions{FieldManager: "owner"}, metav1.ApplyOptions{FieldManager: "other"}
	if _, err := deployments.Apply(ctx, wanted(container("c", "i:1"), container("sidecar", "s:1")), owner); err != nil {
		return err
	}
	replicas := appsv1apply.Deployment("web", namespace).WithSpec(appsv1apply.DeploymentSpec().WithReplicas(4))
	if _, err := deployments.Apply(ctx, replicas, other); err != nil {
		return err
	}

	_, err := deployments.Apply(ctx, wanted(container("c", "i:2")), other)
	if !errors.IsConflict(err) {
		return fmt.Errorf("to change what somebody else owns: %v", err)
	}
	other.Force = true
	if _, err := deployments.Apply(ctx, wanted(container("c", "i:2")).WithLabels(labels), other); err != nil {
		return err
	}
	// Without the sidecar: its owner gives it up.
	applied, err := deployments.Apply(ctx, wanted(container("c", "i:2")), owner)
	if err != nil {
		return err
	}
	containers := applied.Spec.Template.Spec.Containers
	if err := first(
		check("the number of containers", len(containers), 1),
		check("the image", containers[0].Image, "i:2"),
		check("the label", applied.Labels["app"], "web"),
	); err != nil {
		return err
	}

	// What was read can be applied again as the part that is one's own.
	extracted, err := appsv1apply.ExtractDeployment(applied, "owner")
	if err != nil {
		return err
	}
	again, err := deployments.Apply(ctx, extracted, owner)
	if err != nil {
		return err
	}
	return check("the version after nothing has changed", again.ResourceVersion, applied.ResourceVersion)
}
