// Projects whose CRDs and example objects the tests create: read from the module cache, never copied.
module projects

go 1.26.0

require (
	github.com/argoproj/argo-rollouts v1.8.3
	github.com/cert-manager/cert-manager v1.16.5
)
