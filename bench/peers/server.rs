// SPDX-License-Identifier: MIT
//! server PORT SECONDS: a std::thread for each connection.
use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn exchange(mut peer: TcpStream, timeout: Duration) -> Result<()> {
    let mut message = [0; 16];
    peer.set_read_timeout(Some(timeout))?;
    peer.set_write_timeout(Some(timeout))?;
    peer.read_exact(&mut message)?;
    peer.write_all(b"Farewell, client")
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let timeout = Duration::from_secs(arguments[2].parse().expect("seconds"));
    let listener = TcpListener::bind(format!("127.0.0.1:{}", arguments[1])).expect("bind");
    for peer in listener.incoming().flatten() {
        // An error of a peer ends only the thread of that peer.
        std::thread::spawn(move || exchange(peer, timeout).ok());
    }
}
