package main

import (
	"fmt"
	"net"
	"strconv"
)

// checkListen refuses an address that nothing can listen on. Empty is the default.
func checkListen(flag, address string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return usageError{fmt.Errorf("--%s %s: use an address with a port, such as 127.0.0.1:8053", flag, address)}
	}
	return nil
}
