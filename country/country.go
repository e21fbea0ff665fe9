// Package country knows the countries, continents and states of the United States that geolocation routing knows, by
// code.
package country

import (
	"iter"
	"strings"
)

// UnitedStates is the only country whose subdivisions geolocation routing knows.
const UnitedStates = "US"

// Name returns the name of a country by its ISO 3166-1 alpha-2 code in upper case; ok is false for a code of none.
// r53: A.6.
func Name(code string) (name string, ok bool) {
	line, ok := find(countries, code)
	_, name, _ = strings.Cut(line, " ")
	return name, ok
}

// Continent returns the code of a country's continent, empty for a code that is no country's. r53: A.6.
func Continent(code string) string {
	line, _ := find(countries, code)
	continent, _, _ := strings.Cut(line, " ")
	return continent
}

// ContinentName returns the name of a continent: AF, AN, AS, EU, NA, OC or SA. ok is false for other codes. r53: A.6.
func ContinentName(code string) (name string, ok bool) { return find(continents, code) }

// StateName returns the name of a state of the United States, or of the District of Columbia (DC). ok is false for
// other codes. r53: A.6.
func StateName(code string) (name string, ok bool) { return find(states, code) }

// All yields the codes of the countries in order.
func All() iter.Seq[string] { return codes(countries) }

// Continents yields the codes of the continents in order.
func Continents() iter.Seq[string] { return codes(continents) }

// States yields the codes of the states in order.
func States() iter.Seq[string] { return codes(states) }

// find returns what follows a code on its line of a table.
func find(table, code string) (rest string, ok bool) {
	for line := range strings.Lines(table) {
		if key, rest, _ := strings.Cut(line, " "); key == code {
			return strings.TrimSuffix(rest, "\n"), true
		}
	}
	return "", false
}

// codes yields the code at the start of every line of a table.
func codes(table string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(table) {
			if code, _, _ := strings.Cut(line, " "); !yield(code) {
				return
			}
		}
	}
}
