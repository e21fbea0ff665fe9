// Package lab runs two AWS Regions on one machine: an engine, and what surrounds it in production.
//
// Each Region has load balancers (package alb) and demo applications behind them. An application runs as pods: several
// replicas over two Availability Zones. The engine answers DNS for the applications and probes them. A user of the lab
// scales applications, and makes them fail, in one Region at a time.
//
// Traffic is real. Every load balancer and pod has a socket on a loopback address of its Region, and every health check
// is an HTTP request. Canonical zone ids, target states and the health of load balancers follow AWS's rules.
//
// The lab also serves the AWS APIs that clients ask beside Route 53 (package awsserver), on the engine's HTTP server.
// They only read. Go code changes load balancers; requests under /lab/ change applications and Ingresses.
package lab
