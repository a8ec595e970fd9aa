// SPDX-License-Identifier: MIT

// server PORT SECONDS: a goroutine for each connection, and a deadline for the exchange.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"time"
)

func serve(connection net.Conn, timeout time.Duration) {
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(timeout))
	var message [16]byte
	if _, err := io.ReadFull(connection, message[:]); err != nil {
		return
	}
	connection.Write([]byte("Farewell, client"))
}

func main() {
	timeout, err := time.ParseDuration(os.Args[2] + "s")
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Print(err)
			continue
		}
		go serve(connection, timeout)
	}
}
