package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// hasCredentials asks the SDK's chain once, so that somebody without credentials learns what is missing and not which
// call failed.
func (a *account) hasCredentials(ctx context.Context, cfg aws.Config, provider failover.Provider) error {
	if cfg.Credentials == nil {
		return errors.New(a.noCredentials(provider))
	}
	_, err := cfg.Credentials.Retrieve(ctx)
	if err == nil || ctx.Err() != nil {
		return cmp.Or(err, ctx.Err())
	}
	profile := cmp.Or(a.profile, os.Getenv("AWS_PROFILE"), awsconfig.DefaultSharedConfigProfile)
	var (
		sso       *ssocreds.InvalidTokenError
		process   *processcreds.ProviderError
		operation *smithy.OperationError
	)
	switch {
	case errors.As(err, &sso):
		return &accountError{fmt.Sprintf("nobody is signed in to the SSO session of profile %s, or it has expired: aws sso login --profile %[1]s", profile), err}
	case errors.As(err, &process):
		return &accountError{fmt.Sprintf("the credential_process of profile %s has failed: %v", profile, process.Err), err}
	case errors.As(err, &operation) && operation.ServiceID == "STS":
		return &accountError{fmt.Sprintf("the role of profile %s was not given: %s", profile, reason(operation)), err}
	case os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" || os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != "":
		// Something is set up for this pod or container, and does not work: the last cause says what.
		return &accountError{fmt.Sprintf("the credentials that are set up for this pod or container cannot be had (AWS_WEB_IDENTITY_TOKEN_FILE, "+
			"AWS_CONTAINER_CREDENTIALS_FULL_URI): %v", last(err)), err}
	}
	return &accountError{a.noCredentials(provider), err}
}

// noCredentials says where credentials were looked for, and what to set.
func (a *account) noCredentials(provider failover.Provider) string {
	for have, lack := range map[string]string{"AWS_ACCESS_KEY_ID": "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY": "AWS_ACCESS_KEY_ID"} {
		if os.Getenv(have) != "" && os.Getenv(lack) == "" {
			return fmt.Sprintf("no credentials: %s is set and %s is not: set both", have, lack)
		}
	}
	profile := cmp.Or(a.profile, os.Getenv("AWS_PROFILE"), awsconfig.DefaultSharedConfigProfile)
	files := sharedFiles()
	sources := fmt.Sprintf("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, profile %s has none in %s and %s", profile, files[0], files[1])
	if !strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		sources += ", and this machine has no role (EC2, ECS, EKS)"
	}
	if provider == failover.Engine {
		return fmt.Sprintf("no credentials for the engine: %s. For a lab: eval \"$(bulkhead lab env)\"; else set both variables, or --profile", sources)
	}
	return fmt.Sprintf("no AWS credentials: %s. Set both variables, or --profile; where you use SSO, aws sso login", sources)
}

// sharedFiles are the configuration and the credentials file of AWS's clients.
func sharedFiles() [2]string {
	return [2]string{
		cmp.Or(os.Getenv("AWS_CONFIG_FILE"), awsconfig.DefaultSharedConfigFilename()),
		cmp.Or(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), awsconfig.DefaultSharedCredentialsFilename()),
	}
}

// configError says what is wrong with the AWS configuration files or variables.
func configError(err error) error {
	var (
		profile awsconfig.SharedConfigProfileNotExistError
		file    awsconfig.SharedConfigLoadError
	)
	switch {
	case errors.As(err, &profile):
		files := sharedFiles()
		return &accountError{fmt.Sprintf("there is no profile %s (--profile, AWS_PROFILE) in %s and %s; there: %s", profile.Profile, files[0], files[1],
			cmp.Or(strings.Join(profilesOf(files), ", "), "none")), err}
	case errors.As(err, &file):
		return &accountError{fmt.Sprintf("the AWS configuration file %s cannot be read: %v", file.Filename, last(file.Err)), err}
	}
	return fmt.Errorf("AWS configuration: %w", err)
}

var profileHeader = regexp.MustCompile(`(?m)^\s*\[\s*(?:profile\s+)?([^\]\s]+)\s*\]`)

// profilesOf are the profiles of files; of one that cannot be read none.
func profilesOf(files [2]string) (names []string) {
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, m := range profileHeader.FindAllSubmatch(data, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// region is the form of a Region's name.
var region = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)

// checkRegion refuses what is no name of a Region, which the SDK would refuse at the first call in words of its own.
func checkRegion(name string) error {
	if name != "" && !region.MatchString(name) {
		return fmt.Errorf("the AWS Region is %q, which is no name of a Region: set AWS_REGION, or region in the profile, to one such as eu-west-1", name)
	}
	return nil
}
