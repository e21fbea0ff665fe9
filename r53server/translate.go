package r53server

import (
	"context"
	"errors"
	"strings"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/validation"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An errorRow says which code and message a client gets for an error of the store or of a context.
type errorRow struct {
	err     error
	code    code
	message string // a %s stands for the id of a *store.NoSuch
}

// errorRows is the table of errors that have no text of their own for clients. r53: C.5.
func errorRows() []errorRow {
	return []errorRow{
		{store.ErrNoSuchHostedZone, codeNoSuchHostedZone, "No hosted zone found with ID: %s"},
		{store.ErrNoSuchHealthCheck, codeNoSuchHealthCheck, "A health check with id %s does not exist."},
		{store.ErrNoSuchChange, codeNoSuchChange, "Could not find resource with ID: %s"},
		{store.ErrNoSuchCIDRCollection, codeNoSuchCIDRCollection, "No CIDR collection found with ID: %s"},
		{store.ErrNoSuchDelegationSet, codeNoSuchDelegationSet, "No reusable delegation set found with ID: %s"},

		{store.ErrHostedZoneAlreadyExists, codeHostedZoneAlreadyExists,
			"A hosted zone has already been created with the specified caller reference."},
		{store.ErrHealthCheckAlreadyExists, codeHealthCheckAlreadyExists,
			"A health check with the same caller reference exists with other settings, or existed and was deleted."},
		{store.ErrHealthCheckVersion, codeHealthCheckVersionMismatch,
			"The health check has a newer version than the specified HealthCheckVersion."},
		{store.ErrHostedZoneNotEmpty, codeHostedZoneNotEmpty,
			"The specified hosted zone contains non-required resource record sets and so cannot be deleted."},
		{store.ErrAcceleratedRecovery, codeInvalidInput,
			"Cannot delete a hosted zone with accelerated recovery enabled. Please disable first."},
		{store.ErrTooManyHostedZones, codeTooManyHostedZones,
			"The account has as many hosted zones as it may have. Delete some, or have the limit raised."},
		{store.ErrTooManyHealthChecks, codeTooManyHealthChecks,
			"The account has as many health checks as it may have. Delete some, or have the limit raised."},
		{store.ErrCIDRCollectionExists, codeCIDRCollectionAlreadyExists,
			"A CIDR collection with this name and another caller reference exists, or the caller reference was used before."},
		{store.ErrConcurrentModification, codeConcurrentModification,
			"Other requests changed the same resource at the same time. Try again."},
		{store.ErrDelegationSetExists, codeDelegationSetAlreadyCreated,
			"A delegation set has already been created with the specified caller reference."},
		{store.ErrDelegationSetReusable, codeDelegationSetAlreadyReusable,
			"The delegation set of the specified hosted zone is already reusable."},
		{store.ErrDelegationSetInUse, codeDelegationSetInUse,
			"The specified delegation set is used by hosted zones and so cannot be deleted."},
		{store.ErrDelegationSetNotAvailable, codeDelegationSetNotAvailable,
			"The specified hosted zone is private: its name servers cannot become a reusable delegation set."},
		{store.ErrConflictingDomain, codeConflictingDomainExists,
			"A hosted zone with the same name uses the specified delegation set."},
		// Clients retry it. r53: G.1 rule 11.
		{store.ErrPriorRequestNotComplete, codePriorRequestNotComplete,
			"The request was rejected because another change of this hosted zone is still being processed. Try again."},

		{store.ErrUnavailable, codeServiceUnavailable,
			"The engine's store does not answer, so changes are refused. DNS answers are not affected. Try again."},
		{context.DeadlineExceeded, codeServiceUnavailable,
			"The engine's store did not answer in time. The change may have been made. Check before you try again."},
		{context.Canceled, codeServiceUnavailable, "The request was cancelled."},
	}
}

// translate is the one table from the errors of all rooms to what a client reads. known is false for an error that has
// no row: its text goes to the log only.
func translate(err error) (e *apiError, known bool) {
	var (
		own        *apiError
		signature  *sigv4.Error
		badBatch   *zone.InvalidChangeBatch
		badRecord  *validation.InvalidInput
		citedCheck *zone.NoSuchHealthCheck
		badCheck   *health.InvalidInput
		oldVersion *cidr.VersionMismatch
		usedBlock  *cidr.BlockInUse
		usedCIDR   *cidr.CollectionInUse
		overLimit  *quota.LimitsExceeded
	)
	switch {
	case errors.As(err, &own):
		return own, true
	case errors.As(err, &signature):
		return &apiError{code(signature.Code), signature.Status, signature.Message}, true
	case errors.As(err, &badBatch):
		// One string holds all messages. The older root with <Messages> hides the code from botocore. r53: C.5, G.1 rule 10.
		return newError(codeInvalidChangeBatch, "["+strings.Join(badBatch.Messages, ", ")+"]"), true
	case errors.As(err, &badRecord):
		return newError(codeInvalidInput, badRecord.Message), true
	case errors.As(err, &citedCheck):
		return translate(&store.NoSuch{Err: store.ErrNoSuchHealthCheck, ID: citedCheck.ID})
	case errors.As(err, &badCheck):
		return newError(codeInvalidInput, badCheck.Message), true
	case errors.As(err, &oldVersion):
		return newError(codeCIDRCollectionVersionMismatch, oldVersion.Error()), true
	case errors.As(err, &usedBlock):
		return newError(codeCIDRBlockInUse, usedBlock.Message), true
	case errors.As(err, &usedCIDR):
		return newError(codeCIDRCollectionInUse, usedCIDR.Message), true
	case errors.As(err, &overLimit):
		return newError(codeLimitsExceeded, overLimit.Message), true
	}
	for _, row := range errorRows() {
		if errors.Is(err, row.err) {
			return newError(row.code, strings.Replace(row.message, "%s", clip(missingID(err)), 1)), true
		}
	}
	return newError(codeInternalFailure,
		"The request failed because of an internal error. The engine's log has the error under this request ID."), false
}

// missingID is the id that the store does not have, if err says so.
func missingID(err error) string {
	var missing *store.NoSuch
	if !errors.As(err, &missing) {
		return ""
	}
	return missing.ID
}
