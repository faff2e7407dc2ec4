//! A small round-robin before several programs.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::spawn;

/// Starts it and gives its address. A node that does not answer is passed over.
pub(super) fn start(nodes: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (nodes, next) = (Arc::new(nodes), Arc::new(AtomicUsize::new(0)));
    spawn(move || {
        for client in listener.incoming().map(Result::unwrap) {
            let (nodes, next) = (Arc::clone(&nodes), Arc::clone(&next));
            spawn(move || {
                let first = next.fetch_add(1, Ordering::Relaxed);
                let node = (0..nodes.len())
                    .find_map(|more| TcpStream::connect(&nodes[(first + more) % nodes.len()]).ok());
                // Whoever is hung up on, by either side, sees it as a connection that was lost.
                if let Some(node) = node {
                    let _ = join(&client, &node);
                }
            });
        }
    });
    address
}

fn join(client: &TcpStream, node: &TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, node.try_clone()?);
    let asking = spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let answered = io::copy(&mut node.try_clone()?, &mut client.try_clone()?);
    let _ = client.shutdown(Shutdown::Both);
    let _ = asking.join();
    answered.map(drop)
}
