package v1alpha1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

// manifests reads the objects of a kind from the plain manifests.
func manifests[T any](t *testing.T, kind string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "deploy", "kubernetes", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	for r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data))); ; {
		document, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal(document, &meta); err != nil {
			t.Fatal(err)
		}
		if meta.Kind == kind {
			var object T
			if err := yaml.UnmarshalStrict(document, &object); err != nil {
				t.Fatal(err)
			}
			list = append(list, object)
		}
	}
}

// An admissionPolicy is that of the manifests, compiled as an API server does.
type admissionPolicy struct {
	conditions, validations, messages plugincel.ConditionEvaluator
	policy                            admissionregistrationv1.ValidatingAdmissionPolicy
}

func compiledAdmission(t *testing.T) admissionPolicy {
	t.Helper()
	policies := manifests[admissionregistrationv1.ValidatingAdmissionPolicy](t, "ValidatingAdmissionPolicy")
	if len(policies) != 1 {
		t.Fatalf("%d policies", len(policies))
	}
	spec := policies[0].Spec
	compiler, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		t.Fatal(err)
	}
	withParams := plugincel.OptionalVariableDeclarations{HasParams: true, HasAuthorizer: true}
	var variables []plugincel.NamedExpressionAccessor
	for _, v := range spec.Variables {
		variables = append(variables, &validating.Variable{Name: v.Name, Expression: v.Expression})
	}
	compiler.CompileAndStoreVariables(variables, withParams, environment.NewExpressions)
	var conditions, validations, messages []plugincel.ExpressionAccessor
	for i := range spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&spec.MatchConditions[i]))
	}
	for _, v := range spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message,
			Reason: v.Reason})
		if v.MessageExpression == "" {
			messages = append(messages, nil)
			continue
		}
		messages = append(messages, &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression})
	}
	messageParams := plugincel.OptionalVariableDeclarations{HasParams: true}
	compiled := admissionPolicy{
		conditions:  compiler.CompileCondition(conditions, withParams, environment.NewExpressions),
		validations: compiler.CompileCondition(validations, withParams, environment.NewExpressions),
		messages:    compiler.CompileCondition(messages, messageParams, environment.NewExpressions),
		policy:      policies[0],
	}
	for _, c := range []plugincel.ConditionEvaluator{compiled.conditions, compiled.validations, compiled.messages} {
		for _, err := range c.CompilationErrors() {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return compiled
}

// refusals is what a namespace's user is told on creating an object, or on changing old into it, while class is there.
func (a admissionPolicy) refusals(t *testing.T, class, object, old map[string]any,
	namespaceLabels map[string]string) []string {
	t.Helper()
	operation := admission.Create
	if old != nil {
		operation = admission.Update
	}
	after := &unstructured.Unstructured{Object: object}
	gvk, gvr := GroupVersion().WithKind("FailoverPolicy"), GroupVersion().WithResource("failoverpolicies")
	attributes := admission.NewAttributesRecord(after, nil, gvk, after.GetNamespace(), after.GetName(), gvr, "", operation,
		nil, false, nil)
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: gvk,
		VersionedObject: admission.NewLazyObject(after)}
	if old != nil {
		versioned.VersionedOldObject = admission.NewLazyObject(&unstructured.Unstructured{Object: old})
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: after.GetNamespace(), Labels: namespaceLabels}}
	validator := validating.NewValidator(a.validations,
		matchconditions.NewMatcher(a.conditions, a.policy.Spec.FailurePolicy, "policy", "validate", a.policy.Name),
		plugincel.NewCondition(nil), a.messages, a.policy.Spec.FailurePolicy, nil)
	result := validator.Validate(t.Context(), gvr, versioned, &unstructured.Unstructured{Object: class}, namespace,
		celconfig.RuntimeCELCostBudget, nil)
	var messages []string
	for _, d := range result.Decisions {
		if d.Evaluation == validating.EvalError {
			t.Errorf("cannot be evaluated: %s", d.Message)
		}
		if d.Action == validating.ActionDeny {
			messages = append(messages, d.Message)
		}
	}
	slices.Sort(messages)
	return messages
}

const gold = `
apiVersion: bulkhead.dev/v1alpha1
kind: FailoverClass
metadata: {name: gold, annotations: {bulkhead.dev/is-default-class: "true"}}
spec:
  provider: aws
  zones: [example.com, eu.example.com]
  hostnames:
    - {namespaces: ["team-*"], hostnames: ["*.{namespace}.example.com", App.example.com, "*.eu.example.com"]}
    - {namespaces: [root], hostnames: [example.com]}
    - {namespaceSelector: {tier: gold, owner: x}, hostnames: ["*.gold.example.com"]}
  limits: {regionsPerPolicy: 2}
  fastest: {requestInterval: 10, failureThreshold: 2}
  targets: {cidrs: [93.184.216.0/24]}
`

func TestAdmissionPolicyRefusesWhatTheClassDoesNotAllow(t *testing.T) {
	server := compiledAdmission(t)
	class := object(t, gold)
	const allowed = "; allowed: *.team-a.example.com, app.example.com, *.eu.example.com"
	for _, c := range []struct {
		spec   string
		labels map[string]string
		want   []string
	}{
		{"{hostname: app.example.com, {ref}}", nil, nil},
		{"{hostname: x.team-a.example.com, {ref}}", nil, nil},
		{"{hostname: x.gold.example.com, {ref}}", map[string]string{"tier": "gold", "owner": "x", "more": "y"}, nil},
		{"{hostname: x.gold.example.com, {ref}}", map[string]string{"tier": "gold"},
			[]string{"spec.hostname: x.gold.example.com: the class gold does not allow it to namespace team-a" + allowed}},
		{"{hostname: x.team-b.example.com, {ref}}", nil,
			[]string{"spec.hostname: x.team-b.example.com: the class gold does not allow it to namespace team-a" + allowed}},
		{"{hostname: x.y.team-a.example.com, {ref}}", nil,
			[]string{"spec.hostname: x.y.team-a.example.com: the class gold does not allow it to namespace team-a" + allowed}},
		{"{hostname: team-a.example.com, {ref}}", nil,
			[]string{"spec.hostname: team-a.example.com: the class gold does not allow it to namespace team-a" + allowed}},
		{"{hostname: eu.example.com, {ref}}", nil, []string{
			"spec.hostname: eu.example.com: is the apex of a zone: the class gold must name it in full for namespace team-a",
			"spec.hostname: eu.example.com: the class gold does not allow it to namespace team-a" + allowed,
		}},
		{"{hostname: app.example.com, healthCheck: {requestInterval: 9, failureThreshold: 1}, {ref}}", nil, []string{
			"spec.healthCheck.failureThreshold: the class gold allows 2 or more",
			"spec.healthCheck.requestInterval: must be 10 or 30 on AWS: intervals of 1 to 9 seconds are the engine's alone",
			"spec.healthCheck.requestInterval: the class gold allows 10 seconds or more",
		}},
		{"{hostname: app.example.com, regions: [{name: x, addresses: [93.184.216.1], healthCheck: {failureThreshold: " +
			"1}}]}", nil,
			[]string{"spec.healthCheck.failureThreshold: the class gold allows 2 or more"}},
		{"{hostname: app.example.com, healthCheck: {requestInterval: 10, failureThreshold: 2}, regions: [{lb1}, {lb2}]}",
			nil, nil},
		{"{hostname: app.example.com, regions: [{lb1}, {lb2}, {v4}]}", nil, []string{"spec.regions: the class gold allows " +
			"at most 2 Regions"}},
		{"{hostname: other.example.com, classRef: {name: silver}, {ref}}", nil, nil}, // silver judges it
		{"{hostname: app.example.com, classRef: {name: gold}, healthCheck: {failureThreshold: 1}, {ref}}", nil,
			[]string{"spec.healthCheck.failureThreshold: the class gold allows 2 or more"}},
	} {
		if diff := cmp.Diff(c.want, server.refusals(t, class, policyObject(t, c.spec), nil, c.labels)); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.spec, diff)
		}
	}
}

// A class that changes must not lock what is there: finalizers have to come off, labels to change.
func TestAdmissionPolicyJudgesChangesOfTheSpecOnly(t *testing.T) {
	server := compiledAdmission(t)
	class := object(t, gold)
	old := policyObject(t, "{hostname: forbidden.example.com, {ref}}")
	labelled := policyObject(t, "{hostname: forbidden.example.com, {ref}}")
	labelled["metadata"].(map[string]any)["labels"] = map[string]any{"a": "b"}
	if got := server.refusals(t, class, labelled, old, nil); got != nil {
		t.Errorf("refused: %v", got)
	}
	changed := policyObject(t, "{hostname: forbidden.example.com, healthCheck: {path: /x}, {ref}}")
	if got := server.refusals(t, class, changed, old, nil); len(got) != 1 {
		t.Errorf("want one refusal: %v", got)
	}
}

// An empty class allows everything, and one that is not the default judges no policy that names none.
func TestAdmissionPolicyOfOtherClasses(t *testing.T) {
	server := compiledAdmission(t)
	policy := policyObject(t, "{hostname: example.com, healthCheck: {requestInterval: 1, failureThreshold: 1}, {ref}}")
	empty := object(t, `{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverClass, metadata: {name: open, annotations: `+
		`{bulkhead.dev/is-default-class: "true"}}, spec: {}}`)
	if got := server.refusals(t, empty, policy, nil, nil); got != nil {
		t.Errorf("refused by an empty class: %v", got)
	}
	other := object(t, gold)
	delete(other["metadata"].(map[string]any), "annotations")
	if got := server.refusals(t, other, policy, nil, nil); got != nil {
		t.Errorf("refused by a class that it does not name: %v", got)
	}
}

func TestAdmissionPolicyIsBoundToEveryClass(t *testing.T) {
	bindings := manifests[admissionregistrationv1.ValidatingAdmissionPolicyBinding](t, "ValidatingAdmissionPolicyBinding")
	if len(bindings) != 1 {
		t.Fatalf("%d bindings", len(bindings))
	}
	allow := admissionregistrationv1.AllowAction
	want := admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: compiledAdmission(t).policy.Name,
		ParamRef: &admissionregistrationv1.ParamRef{Selector: &metav1.LabelSelector{},
			ParameterNotFoundAction: &allow},
		ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
	}
	if diff := cmp.Diff(want, bindings[0].Spec); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
