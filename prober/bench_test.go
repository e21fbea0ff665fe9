package prober

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// benchServer in the environment makes the test binary the endpoint of BenchmarkHTTPProbe, so that its work is not
// counted as the prober's.
const benchServer = "PROBER_BENCH_SERVER"

// serveForBenchmark prints its address and answers every connection until standard input ends.
func serveForBenchmark() {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(l.Addr())
	response := []byte("HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
	b := make([]byte, 4096)
	for {
		c, err := l.Accept()
		if err != nil {
			fmt.Println(err)
			return
		}
		c.Read(b)
		c.Write(response)
		c.Close()
	}
}

func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHTTPProbe is one whole HTTP probe, goroutine and report included; cpu-µs/op is user and system time of the
// prober's process.
func BenchmarkHTTPProbe(b *testing.B) {
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), benchServer+"=1")
	stop, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	err = server.Start()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stop.Close()
		server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	to, err := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	for _, inFlight := range []int{1, 16} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			p := newProber(b, Options{})
			probes := make(chan struct{}, inFlight)
			b.ReportAllocs()
			before := processTime(b)
			for b.Loop() {
				probes <- struct{}{}
				go func() {
					defer func() { <-probes }()
					status := probeOnce(b.Context(), p, at(health.HTTP, to))
					if status != ok200 {
						b.Error(status)
					}
				}()
			}
			for range inFlight {
				probes <- struct{}{}
			}
			b.ReportMetric(float64((processTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
