package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	container := corev1.Container{
		Name:  "c",
		Image: "example.com/" + name + ":1",
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m")},
		},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromString("http")},
		}},
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
	}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{container}},
			},
		},
	}
}

// objects are created, changed in each way, scaled, listed in pages and deleted.
func objects(ctx context.Context, clients kubernetes.Interface, namespace string) error {
	deployments := clients.AppsV1().Deployments(namespace)
	created, err := deployments.Create(ctx, deployment("web"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	container := created.Spec.Template.Spec.Containers[0]
	if err := first(
		check("the default of replicas", *created.Spec.Replicas, 1),
		check("the default of surge", created.Spec.Strategy.RollingUpdate.MaxSurge.String(), "25%"),
		check("the amount of CPU", container.Resources.Requests.Cpu().String(), "1500m"),
		check("the port of the probe", container.ReadinessProbe.HTTPGet.Port.StrVal, "http"),
		check("the policy for images", container.ImagePullPolicy, corev1.PullIfNotPresent),
	); err != nil {
		return err
	}

	// Somebody else was faster: the usual way out.
	stale := created.DeepCopy()
	if _, err := deployments.Patch(ctx, "web", types.StrategicMergePatchType, []byte(`{"spec":{"paused":true}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	stale.Annotations = map[string]string{"a": "b"}
	if _, err := deployments.Update(ctx, stale, metav1.UpdateOptions{}); !errors.IsConflict(err) {
		return fmt.Errorf("an update of something stale: %v", err)
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		current.Spec.Template.Spec.Containers[0].Image = "example.com/web:2"
		_, err = deployments.Update(ctx, current, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
	if _, err := deployments.UpdateScale(ctx, "web", scale, metav1.UpdateOptions{}); err != nil {
		return err
	}
	current, err := deployments.Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	current.Status.ObservedGeneration = current.Generation
	current.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, LastUpdateTime: metav1.Now()}}
	updated, err := deployments.UpdateStatus(ctx, current, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if err := first(
		check("the generation after three changes of the spec", updated.Generation, 4),
		check("the number of replicas", *updated.Spec.Replicas, 3),
		check("the condition", updated.Status.Conditions[0].Type, appsv1.DeploymentAvailable),
	); err != nil {
		return err
	}

	configMaps := clients.CoreV1().ConfigMaps(namespace)
	for i := range 5 {
		binary := map[string][]byte{"bytes": {0, 255, byte(i)}}
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "page-"}, BinaryData: binary}
		if _, err := configMaps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	seen, next := 0, ""
	for {
		page, err := configMaps.List(ctx, metav1.ListOptions{Limit: 2, Continue: next})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if bytes := item.BinaryData["bytes"]; len(bytes) != 3 || bytes[1] != 255 {
				return fmt.Errorf("the bytes of %s are %v", item.Name, bytes)
			}
		}
		seen += len(page.Items)
		if next = page.Continue; next == "" {
			break
		}
	}
	_, missing := configMaps.Get(ctx, "none", metav1.GetOptions{})
	_, invalid := configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "Not a name"}}, metav1.CreateOptions{})
	if err := first(
		check("the number of objects in all pages", seen, 5),
		check("that there is none", errors.IsNotFound(missing), true),
		check("that a name is wrong", errors.IsInvalid(invalid), true),
		configMaps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}),
		deployments.Delete(ctx, "web", metav1.DeleteOptions{}),
	); err != nil {
		return err
	}
	left, err := configMaps.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	return check("the number of objects that are left", len(left.Items), 0)
}
