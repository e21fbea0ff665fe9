// Package alb is an Application Load Balancer on one machine. It has one HTTP listener with rules, target groups, and
// probes of its targets, and it gives the error answers that AWS's gives.
//
// Traffic is real: the listener is a socket, and every probe is an HTTP request. States of targets follow Elastic Load
// Balancing, and Healthy says how Route 53 sees the load balancer through an alias that evaluates target health (r53:
// A.9).
package alb
