package health

import (
	"slices"
	"strings"
)

// A Vote is a checker's report with the etcd revision that wrote it; 0 for a checker of this node.
type Vote struct {
	Report
	Revision int64
}

// AssignedRegions returns the Regions from which a node probes the check, of those that its checkers are in: the ones
// that the check lists. It returns all when the check lists none of them: a check that nobody probes would stay healthy
// for ever. r53: B.2.
func (c Config) AssignedRegions(regions []string) []string {
	var listed []string
	for _, region := range regions {
		if slices.Contains(c.Regions, region) {
			listed = append(listed, region)
		}
	}
	if len(listed) == 0 {
		return regions
	}
	return listed
}

// Voters returns the reports of the check's live, assigned vantage points, in the order of votes. A checker is live
// while its lease is, and as far as its author is not in doubt; a report whose lease has ended must not be among votes.
// A checker is assigned when its node probes the check from its Region (AssignedRegions). The last report of a checker
// that is no longer assigned stays in etcd while its node lives and has no vote, once an assigned checker of that node
// has reported.
func Voters(c Config, votes []Vote, doubt Doubt) []Report {
	var voters []Report
	regions := map[string][]string{} // by node, of its live checkers
	for _, v := range votes {
		if doubt.Counts(v.Revision) {
			voters = append(voters, v.Report)
			if len(c.Regions) > 0 {
				regions[v.node()] = append(regions[v.node()], v.Region)
			}
		}
	}
	if len(c.Regions) == 0 {
		return voters
	}
	return slices.DeleteFunc(voters, func(r Report) bool {
		return !slices.Contains(c.AssignedRegions(regions[r.node()]), r.Region)
	})
}

// node is the node of the report's checker.
func (r *Report) node() string {
	node, _, _ := strings.Cut(r.Checker, "/")
	return node
}
