package lab

import "fmt"

// A Refusal is the error of a request for something that the lab does not have or cannot do.
type Refusal struct {
	// Code is UnknownApplication, UnknownRegion, InvalidReplicas or InvalidIngress. The administration over HTTP also has
	// UnknownOperation, MethodNotAllowed and InvalidBody.
	Code    string
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// refuse returns a *Refusal.
func refuse(code, format string, args ...any) error {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}
