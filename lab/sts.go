package lab

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

// getCallerIdentity names the owner of the access key. The lab's account has no users by name: each key is one, and its unique id is the
// key's with the prefix that AWS gives users.
func getCallerIdentity(c *call) (any, error) {
	id := "AIDA" + strings.TrimPrefix(c.accessKeyID, "AKIA")
	return getCallerIdentityResult{
		Arn:     "arn:aws:iam::" + AccountID + ":user/" + c.accessKeyID,
		UserID:  id,
		Account: AccountID,
	}, nil
}
