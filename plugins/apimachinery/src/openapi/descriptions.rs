//! What types and fields are, for `kubectl explain`: in our own words, and only where many look.

/// Of a type, by the last part of its name.
pub(super) fn of_type(name: &str) -> Option<&'static str> {
    let short = name.rsplit('.').next().unwrap_or(name);
    find(TYPES, |(own, _)| *own == short).map(|(_, text)| *text)
}

/// Of a field: what it is in this type, or else what fields of its name are everywhere.
pub(super) fn of_field(of: Option<&str>, field: &str) -> Option<&'static str> {
    let short = of.map_or("", |name| name.rsplit('.').next().unwrap_or(name));
    let own = find(FIELDS, |(of, own, _)| *of == short && *own == field).map(|(_, _, text)| *text);
    own.or_else(|| find(EVERYWHERE, |(own, _)| *own == field).map(|(_, text)| *text))
}

fn find<T>(table: &'static [T], is: impl Fn(&T) -> bool) -> Option<&'static T> {
    table.iter().find(|row| is(row))
}

const TYPES: &[(&str, &str)] = &[
    ("APIService", "A group version of the API, and which server answers for it."),
    ("ConfigMap", "Settings that pods read, by key."),
    ("Container", "One program of a pod: its image, and how it is run."),
    ("ControllerRevision", "What a controller remembers of an earlier template."),
    ("CronJob", "Makes a job whenever its schedule says so."),
    ("CustomResourceDefinition", "A resource that this cluster has beside the built-in ones."),
    ("DaemonSet", "Runs one pod on each node that its template fits."),
    ("Deployment", "Keeps a number of equal pods running, and replaces them step by step when their template changes."),
    ("EndpointSlice", "Some of the addresses behind a service."),
    ("Endpoints", "The addresses behind a service; endpoint slices have taken their place."),
    ("Event", "Something that happened to an object, kept for an hour."),
    ("HorizontalPodAutoscaler", "Sets how many pods a workload has by what they use."),
    ("Ingress", "Leads requests from outside to services, by host and path."),
    ("IngressClass", "Who serves the ingresses that name it."),
    ("Job", "Runs pods until enough of them have succeeded."),
    ("Lease", "Who holds something, and until when; leaders are elected with it."),
    ("LimitRange", "What pods and claims of a namespace may ask for, and what they have if they do not ask."),
    ("ManagedFieldsEntry", "Which fields one manager has set."),
    ("Namespace", "A room for objects: names are unique within it, and what is in it goes with it."),
    ("NetworkPolicy", "Which connections pods may have."),
    ("Node", "A machine that runs pods."),
    ("ObjectMeta", "What every object says about itself."),
    ("OwnerReference", "An object that this one belongs to, and goes with."),
    ("PersistentVolume", "Storage that outlives the pods that use it."),
    ("PersistentVolumeClaim", "What a user asks of storage, and the volume that he got."),
    ("Pod", "Containers that run together on one node."),
    ("PodDisruptionBudget", "How many pods of a group may be taken away at a time."),
    ("PodTemplateSpec", "What pods are made of."),
    ("PriorityClass", "A name for a priority of pods."),
    ("ReplicaSet", "Keeps a number of equal pods running. Deployments make them."),
    ("ResourceQuota", "How much the objects of a namespace may use together."),
    ("Role", "What may be done in a namespace, for those to whom a binding gives it."),
    ("ClusterRole", "What may be done, for those to whom a binding gives it."),
    ("RoleBinding", "Gives a role to users, groups or service accounts, in one namespace."),
    ("ClusterRoleBinding", "Gives a cluster role to users, groups or service accounts, everywhere."),
    ("Secret", "Data that not everybody who may see a pod should see."),
    ("Service", "A name and an address for pods that come and go."),
    ("ServiceAccount", "An identity for programs."),
    ("StatefulSet", "Keeps pods running that have a name and storage of their own."),
    ("StorageClass", "How volumes are made for the claims that name it."),
];

/// Fields that mean the same in every type.
const EVERYWHERE: &[(&str, &str)] = &[
    ("apiVersion", "The group and version of the type."),
    ("kind", "The name of the type."),
    ("metadata", "What every object says about itself: name, namespace, labels."),
    ("spec", "The state that is asked for."),
    ("status", "The state that was observed. The server and controllers write it."),
    ("items", "The members of the list."),
    ("conditions", "What is known about the object, by type: whether it holds, since when, and why."),
    ("lastTransitionTime", "When the condition last changed from one status to another."),
    ("observedGeneration", "The generation of the object that the status is about."),
    ("selector", "Which objects belong to it, by their labels."),
    ("matchLabels", "Labels that an object must have, each with this value."),
    ("matchExpressions", "Conditions on labels, all of which an object must meet."),
    ("template", "What is made from it."),
    ("replicas", "How many there should be, or are."),
    ("resources", "What is needed of CPU, memory and the like, and how much may be used."),
    ("limits", "The most that may be used, by resource."),
    ("requests", "What is set aside, by resource."),
    ("nodeSelector", "Labels that a node must have."),
    ("tolerations", "Taints of nodes that do not matter."),
    ("minReadySeconds", "How long a new pod has to be ready before it counts as available."),
    ("revisionHistoryLimit", "How many earlier templates are kept, to go back to."),
    ("progressDeadlineSeconds", "How long there may be no progress before that is reported."),
    ("paused", "Whether changes wait."),
    ("suspend", "Whether nothing new is started."),
    ("immutable", "Whether the content can no longer be changed."),
    ("storageClassName", "The class by which the storage is made."),
    ("accessModes", "Who may mount it at a time, and whether to write."),
    ("volumeMode", "Whether it is used as a file system or as a block device."),
    ("priorityClassName", "The class that says how important it is."),
    ("ingressClassName", "The class that says who serves it."),
    ("serviceName", "The name of the service."),
    ("schedule", "When, in cron's form of five fields."),
    ("timeZone", "The zone that the schedule is meant in."),
];

const FIELDS: &[(&str, &str, &str)] = &[
    ("ObjectMeta", "annotations", "Notes of tools and people, by key. Nothing is selected by them."),
    ("ObjectMeta", "creationTimestamp", "When the object was made. The server sets it."),
    ("ObjectMeta", "deletionGracePeriodSeconds", "How long the object has to end once it is asked to go."),
    ("ObjectMeta", "deletionTimestamp", "When the object goes, if it was asked to. The server sets it."),
    ("ObjectMeta", "finalizers", "Who has to finish something before the object may go."),
    ("ObjectMeta", "generateName", "What the name begins with, where the server is to make the rest."),
    ("ObjectMeta", "generation", "Counts the changes of what is asked for. The server sets it."),
    ("ObjectMeta", "labels", "Marks that objects are selected by."),
    ("ObjectMeta", "managedFields", "Who has set which fields. The server writes it down."),
    ("ObjectMeta", "name", "What the object is called, once in its namespace and type."),
    ("ObjectMeta", "namespace", "The namespace that the object is in."),
    ("ObjectMeta", "ownerReferences", "The objects that this one belongs to, and goes with."),
    (
        "ObjectMeta",
        "resourceVersion",
        "Which state of the object this is. An update that names an older one is refused.",
    ),
    ("ObjectMeta", "selfLink", "No longer set."),
    ("ObjectMeta", "uid", "Tells the object from all others, also from later ones of its name. The server sets it."),
    ("PodSpec", "activeDeadlineSeconds", "How long the pod may run before it is ended."),
    ("PodSpec", "affinity", "Where the pod should run: on which nodes, near to which pods, or away from them."),
    ("PodSpec", "automountServiceAccountToken", "Whether the containers get a token of the service account."),
    ("PodSpec", "containers", "The programs that run as long as the pod does."),
    ("PodSpec", "dnsConfig", "Names servers and domains beside those of the policy."),
    ("PodSpec", "dnsPolicy", "Where names are looked up."),
    ("PodSpec", "enableServiceLinks", "Whether services are told to the containers in environment variables."),
    ("PodSpec", "ephemeralContainers", "Containers that were added to look into the running pod."),
    ("PodSpec", "hostAliases", "Lines for the hosts file of the containers."),
    ("PodSpec", "hostIPC", "Whether the containers see what processes of the node share."),
    ("PodSpec", "hostNetwork", "Whether the pod has the node's network in place of its own."),
    ("PodSpec", "hostPID", "Whether the containers see the node's processes."),
    ("PodSpec", "hostname", "What the pod calls itself; its name unless set."),
    ("PodSpec", "imagePullSecrets", "Secrets that images are fetched with."),
    ("PodSpec", "initContainers", "Programs that run one after the other before the containers start."),
    ("PodSpec", "nodeName", "The node that the pod runs on. A scheduler sets it."),
    ("PodSpec", "os", "The operating system that the containers are for."),
    ("PodSpec", "overhead", "What running the pod costs beside its containers."),
    ("PodSpec", "preemptionPolicy", "Whether pods that matter less may be taken away for it."),
    ("PodSpec", "priority", "How important the pod is, a number. Its class sets it."),
    ("PodSpec", "readinessGates", "Conditions that have to hold, too, before the pod counts as ready."),
    ("PodSpec", "resourceClaims", "Devices that have to be there before the pod starts."),
    ("PodSpec", "restartPolicy", "Whether containers are started again when they end: Always, OnFailure or Never."),
    ("PodSpec", "runtimeClassName", "The class that says what runs the containers."),
    ("PodSpec", "schedulerName", "Who finds a node for the pod."),
    ("PodSpec", "schedulingGates", "While there are any, no node is looked for."),
    ("PodSpec", "securityContext", "Users, groups and rights that all containers have."),
    ("PodSpec", "serviceAccountName", "The service account that the pod runs as."),
    ("PodSpec", "shareProcessNamespace", "Whether the containers see each other's processes."),
    ("PodSpec", "subdomain", "The domain of the pod's name, below that of its namespace."),
    ("PodSpec", "terminationGracePeriodSeconds", "How long the containers have to end by themselves."),
    ("PodSpec", "topologySpreadConstraints", "How evenly pods of this kind are spread over zones, nodes and the like."),
    ("PodSpec", "volumes", "Storage that the containers can mount."),
    ("Container", "args", "Arguments of the program, in place of the image's."),
    ("Container", "command", "The program and its first arguments, in place of the image's."),
    ("Container", "env", "Environment variables."),
    ("Container", "envFrom", "Config maps and secrets whose keys become environment variables."),
    ("Container", "image", "The image that the container is made from."),
    ("Container", "imagePullPolicy", "When the image is fetched: Always, IfNotPresent or Never."),
    ("Container", "lifecycle", "What to do when the container has started, and before it is ended."),
    ("Container", "livenessProbe", "How to see that the container still works; if not, it is started again."),
    ("Container", "name", "What the container is called, once in its pod."),
    ("Container", "ports", "Ports that the program listens on."),
    ("Container", "readinessProbe", "How to see that the container can be sent requests."),
    ("Container", "securityContext", "The user that the program runs as, and what it may do."),
    ("Container", "startupProbe", "How to see that the container has started; the other probes wait for it."),
    ("Container", "stdin", "Whether the program gets an input that clients can attach to."),
    ("Container", "tty", "Whether the program gets a terminal."),
    ("Container", "volumeDevices", "Block devices, and where the program finds them."),
    ("Container", "volumeMounts", "Volumes, and where the program finds them."),
    ("Container", "workingDir", "The directory that the program starts in."),
    ("ContainerPort", "containerPort", "The number of the port."),
    ("ContainerPort", "hostIP", "The address of the node that the port is bound to."),
    ("ContainerPort", "hostPort", "The port of the node that leads here."),
    ("ContainerPort", "name", "A name that services can use in place of the number."),
    ("ContainerPort", "protocol", "UDP, TCP or SCTP."),
    ("EnvVar", "name", "The name of the variable."),
    ("EnvVar", "value", "Its value; $(NAME) stands for the value of an earlier one."),
    ("EnvVar", "valueFrom", "Where the value comes from, if it is not given here."),
    ("DeploymentSpec", "strategy", "How pods are replaced when the template changes."),
    ("DaemonSetSpec", "updateStrategy", "How pods are replaced when the template changes."),
    (
        "StatefulSetSpec",
        "podManagementPolicy",
        "Whether pods are started and ended one after the other, or all at a time.",
    ),
    ("StatefulSetSpec", "updateStrategy", "How pods are replaced when the template changes."),
    ("StatefulSetSpec", "volumeClaimTemplates", "Claims that each pod gets for itself and keeps."),
    ("JobSpec", "activeDeadlineSeconds", "How long the job may run before it is given up."),
    ("JobSpec", "backoffLimit", "How many pods may fail before the job is given up."),
    ("JobSpec", "completionMode", "Whether it matters which pods succeed, or only how many."),
    ("JobSpec", "completions", "How many pods have to succeed."),
    ("JobSpec", "parallelism", "How many pods may run at a time."),
    ("JobSpec", "podFailurePolicy", "What the failure of a pod means, by exit code or condition."),
    ("JobSpec", "ttlSecondsAfterFinished", "How long the job is kept after it has ended."),
    ("CronJobSpec", "concurrencyPolicy", "What becomes of a job that still runs when the next is due."),
    ("CronJobSpec", "failedJobsHistoryLimit", "How many failed jobs are kept."),
    ("CronJobSpec", "jobTemplate", "The job that is made."),
    ("CronJobSpec", "startingDeadlineSeconds", "How late a job may start before it is left out."),
    ("CronJobSpec", "successfulJobsHistoryLimit", "How many jobs are kept that succeeded."),
    ("ServiceSpec", "clusterIP", "The address of the service within the cluster; None if it should have none."),
    ("ServiceSpec", "externalIPs", "Addresses of nodes that lead to the service, too."),
    ("ServiceSpec", "externalName", "The name that the service stands for, where its type is ExternalName."),
    ("ServiceSpec", "externalTrafficPolicy", "Whether requests from outside may go on to pods on other nodes."),
    ("ServiceSpec", "internalTrafficPolicy", "Whether requests from inside may go to pods on other nodes."),
    ("ServiceSpec", "ipFamilies", "The families of its addresses, the first one first."),
    ("ServiceSpec", "loadBalancerClass", "Who makes the load balancer."),
    ("ServiceSpec", "ports", "The ports of the service, and where they lead."),
    ("ServiceSpec", "publishNotReadyAddresses", "Whether pods are found before they are ready."),
    ("ServiceSpec", "sessionAffinity", "Whether requests of one client go to one pod."),
    ("ServiceSpec", "type", "How the service is reached: ClusterIP, NodePort, LoadBalancer or ExternalName."),
    ("ServicePort", "name", "The name of the port, once in its service."),
    ("ServicePort", "nodePort", "The port of every node that leads here."),
    ("ServicePort", "port", "The port of the service."),
    ("ServicePort", "protocol", "UDP, TCP or SCTP."),
    ("ServicePort", "targetPort", "The port of the pods, by number or name."),
    ("ConfigMap", "binaryData", "Content that is no text, by key, in base64."),
    ("ConfigMap", "data", "Content, by key."),
    ("Secret", "data", "Content, by key, in base64."),
    ("Secret", "stringData", "Content as plain text, which is written to `data`."),
    ("Secret", "type", "What the secret is for, and so which keys it has."),
    ("Namespace", "spec", "What has to happen before the namespace may go."),
    ("NodeSpec", "podCIDR", "The range that the node's pods have their addresses from."),
    ("NodeSpec", "taints", "Marks that keep pods away which do not tolerate them."),
    ("NodeSpec", "unschedulable", "Whether new pods are kept away."),
    ("PolicyRule", "apiGroups", "The groups of the resources; the core group is the empty one."),
    ("PolicyRule", "nonResourceURLs", "Paths that are no resources."),
    ("PolicyRule", "resourceNames", "The names of the objects, if it is not about all."),
    ("PolicyRule", "resources", "The resources; `*` stands for all."),
    ("PolicyRule", "verbs", "What may be done; `*` stands for everything."),
    ("RoleBinding", "roleRef", "The role that is given. It cannot be changed."),
    ("RoleBinding", "subjects", "Those to whom it is given."),
    ("ClusterRoleBinding", "roleRef", "The role that is given. It cannot be changed."),
    ("ClusterRoleBinding", "subjects", "Those to whom it is given."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Shape;
    use crate::schema::builtin::Type;

    #[test]
    fn a_field_is_told_by_its_type_first() {
        let pod = Some("io.k8s.api.core.v1.PodSpec");
        assert!(of_field(pod, "containers").is_some_and(|text| text.contains("programs")));
        assert_eq!(of_field(pod, "nodeSelector"), of_field(None, "nodeSelector"));
        assert_eq!(of_field(None, "containers"), None);
        assert!(of_type("io.k8s.api.core.v1.Pod").is_some());
    }

    /// A field that is told of has to be there.
    #[test]
    fn every_field_exists() {
        const GROUPS: [&str; 6] = [
            "io.k8s.api.core.v1",
            "io.k8s.api.apps.v1",
            "io.k8s.api.batch.v1",
            "io.k8s.api.networking.v1",
            "io.k8s.api.rbac.v1",
            "io.k8s.apimachinery.pkg.apis.meta.v1",
        ];
        for (of, field, _) in FIELDS {
            let found = GROUPS.iter().find_map(|group| Type::find(&format!("{group}.{of}")));
            let found = found.unwrap_or_else(|| panic!("there is no type `{of}`"));
            let Shape::Object(object) = &found.schema().shape else { panic!("`{of}` has no fields") };
            assert!(object.fields.iter().any(|own| &*own.name == *field), "`{of}` has no field `{field}`");
        }
    }
}
