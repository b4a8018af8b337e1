// An operator as people write them, on controller-runtime: leader election, a cached client, a reconciler that owns what it makes, a finalizer,
// status and an event. For each ConfigMap labelled boat=wanted it keeps a ConfigMap named NAME-boat.
package main

import (
	"context"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const finalizer = "boats.test/finalizer"

type reconciler struct{ client.Client }

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var wanted corev1.ConfigMap
	if err := r.Get(ctx, request.NamespacedName, &wanted); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if wanted.Labels["boat"] != "wanted" {
		return ctrl.Result{}, nil
	}
	if !wanted.DeletionTimestamp.IsZero() {
		controllerutil.RemoveFinalizer(&wanted, finalizer)
		return ctrl.Result{}, r.Update(ctx, &wanted)
	}
	if controllerutil.AddFinalizer(&wanted, finalizer) {
		return ctrl.Result{}, r.Update(ctx, &wanted)
	}
	boat := corev1.ConfigMap{}
	boat.Name, boat.Namespace = wanted.Name+"-boat", wanted.Namespace
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, &boat, func() error {
		boat.Data = map[string]string{"size": wanted.Data["size"], "by": os.Getenv("OPERATOR_NAME")}
		return controllerutil.SetControllerReference(&wanted, &boat, r.Scheme())
	})
	return ctrl.Result{}, err
}

func main() {
	ctrl.SetLogger(zap.New())
	scheme := runtime.NewScheme()
	must(clientgoscheme.AddToScheme(scheme))
	lease, renew, retry := 4*time.Second, 3*time.Second, time.Second
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		LeaderElection: true, LeaderElectionID: "boats.test", LeaderElectionNamespace: "default",
		LeaseDuration: &lease, RenewDeadline: &renew, RetryPeriod: &retry,
	})
	must(err)
	must(ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}).Owns(&corev1.ConfigMap{}).Complete(&reconciler{manager.GetClient()}))
	must(manager.Start(ctrl.SetupSignalHandler()))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
