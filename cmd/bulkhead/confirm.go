package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// errDeclined ends a command that was not confirmed.
var errDeclined = errors.New("not confirmed, nothing was written")

// confirm asks a question on stderr. Only the word yes confirms.
func confirm(cmd *cobra.Command, question string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s Type 'yes' to continue: ", question)
	answer, err := readLine(cmd)
	if err != nil {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errDeclined
	}
	return nil
}

// readLine reads a line of standard input, unless the command is interrupted before.
func readLine(cmd *cobra.Command) (string, error) {
	type read struct {
		text string
		err  error
	}
	answer := make(chan read, 1)
	go func() {
		text, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		if errors.Is(err, io.EOF) { // the end of input is an answer
			err = nil
		}
		answer <- read{text, err}
	}()
	select {
	case a := <-answer:
		return a.text, a.err
	case <-cmd.Context().Done():
		fmt.Fprintln(cmd.ErrOrStderr())
		return "", errDeclined
	}
}

func isInteractive(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
