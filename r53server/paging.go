package r53server

import (
	"iter"
	"net/url"
	"strconv"
)

// Page sizes. r53: C.7.
const (
	defaultPage   = 100 // of every list
	maxZonePage   = 100
	maxRecordPage = 300
	maxCheckPage  = 1000
	maxResultPage = 100 // of lists that take maxresults, of geolocations and delegation sets (unconfirmed)
)

// pageSize reads maxitems. A value above the list's maximum counts as the maximum, and the reply's MaxItems says so.
// What AWS's MaxItems says then is (unconfirmed).
func pageSize(query url.Values, most int) (int, error) {
	return sizeOf(query, "maxitems", "MaxItems", most)
}

// resultSize reads maxresults, as pageSize does.
func resultSize(query url.Values) (int, error) {
	return sizeOf(query, "maxresults", "MaxResults", maxResultPage)
}

func sizeOf(query url.Values, parameter, member string, most int) (int, error) {
	s := query.Get(parameter)
	if s == "" {
		return defaultPage, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, invalidInput("%s '%s' is not a whole number.", parameter, clip(s))
	}
	if n < 1 {
		return 0, constraint(s, member, "Member must have value greater than or equal to 1")
	}
	return int(min(n, int64(most))), nil
}

// page returns the first size items of seq from the start of the page on, and the first item of the next page, if there
// is one. Route 53's markers name that item (r53: G.1 rule 15).
func page[T any](seq iter.Seq[T], started func(T) bool, size int) (items []T, next T, truncated bool) {
	for item := range seq {
		switch {
		case !started(item):
		case len(items) < size:
			items = append(items, item)
		default:
			return items, item, true
		}
	}
	return items, next, false
}
