// Package lab is two AWS Regions on one machine: what surrounds an engine in production, made small enough to hold in
// the hand.
//
// Each Region has a load balancer that behaves as an Application Load Balancer (listener rules, target groups, target
// health, its own error answers) and demo applications behind it, run as pods are: several replicas over two
// Availability Zones. An engine node answers DNS for them and probes them. Applications are scaled and made to fail
// from outside, one Region at a time.
//
// Traffic is real: every load balancer and pod has a socket of its own on a loopback address of its Region, and every
// health check is an HTTP request. What AWS decides by itself (canonical zone ids, target states, how Route 53 judges a
// load balancer) follows its rules.
//
// Beside Route 53, clients ask other AWS APIs: the lab answers those that describe it (Elastic Load Balancing, EKS) and
// the one that says who is asking (STS), on the engine's HTTP server. They read; load balancers are changed through Go,
// applications under /lab/.
package lab
