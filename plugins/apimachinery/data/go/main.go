// Facts and fixtures taken from upstream's own Go types, for what this crate generates and tests.
package main

import (
	"fmt"
	"os"
)

func main() {
	run := map[string]func() error{"facts": printFacts, "fixtures": printFixtures}
	if len(os.Args) != 2 || run[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go run . facts|fixtures")
		os.Exit(2)
	}
	if err := run[os.Args[1]](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
