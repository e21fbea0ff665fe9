package awsserver

import "strings"

type getCallerIdentityResult struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// stsService says who signed a request. r53: H.
func stsService() queryService {
	return queryService{
		namespace:  "https://sts.amazonaws.com/doc/2011-06-15/",
		version:    "2011-06-15",
		operations: map[string]operation{"GetCallerIdentity": getCallerIdentity},
	}
}

// administratorName is whom the lab's only key belongs to, by the name that the engine's refusals have for it.
const administratorName = "administrator"

// getCallerIdentity names the owner of the access key. A user's unique id is made of the key's, with the prefix that
// AWS gives users.
func getCallerIdentity(c *call) (any, error) {
	return getCallerIdentityResult{
		Arn:     "arn:aws:iam::" + AccountID + ":user/" + administratorName,
		UserID:  "AIDA" + strings.TrimPrefix(c.accessKeyID, "AKIA"),
		Account: AccountID,
	}, nil
}
