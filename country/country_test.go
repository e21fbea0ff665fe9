package country

import "testing"

func TestContinentIsRoute53s(t *testing.T) {
	for code, want := range map[string]string{ // r53: A.6, the traps
		"TR": "EU", "RU": "EU", "CY": "EU", "GE": "AS", "AM": "AS", "AZ": "AS", "EG": "AF", "CC": "AS", "TL": "OC",
		"GS": "AN", "US": "NA", "PR": "NA", "GU": "OC", "XK": "EU", "FK": "SA", "NA": "AF", "SA": "AS",
		"*": "", "": "", "BV": "", "CX": "", "EH": "", "HM": "", "de": "", "VA\n": "", "U": "",
	} {
		if got := Continent(code); got != want {
			t.Errorf("continent of %q is %q, want %q", code, got, want)
		}
	}
}
