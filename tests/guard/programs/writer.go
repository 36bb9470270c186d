// Changes a file by one function of Go's library: writer CALL FILE.
package main

import (
	"os"
	"time"
)

func appendTo(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString("written by Go\n")
	return err
}

func fchmod(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return file.Chmod(0751)
}

func main() {
	if len(os.Args) != 3 {
		os.Exit(2)
	}
	path := os.Args[2]
	when := time.Unix(1500000000, 123000)
	calls := map[string]func() error{
		"OpenFile":  func() error { return appendTo(path) },
		"WriteFile": func() error { return os.WriteFile(path, []byte("new\n"), 0600) },
		"Truncate":  func() error { return os.Truncate(path, 9) },
		"Chmod":     func() error { return os.Chmod(path, 0751) },
		"Chtimes":   func() error { return os.Chtimes(path, when, when) },
		"fchmod":    func() error { return fchmod(path) },
	}
	if err := calls[os.Args[1]](); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
