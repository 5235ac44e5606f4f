//! One address in front of several gateways, as a load balancer is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::port::local;

/// Hands each connection to the next gateway that takes it. Ends with all of them on drop.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    targets: Arc<Mutex<Vec<SocketAddr>>>,
    _stop: DropGuard,
}

impl Balancer {
    /// Starts one in front of these gateways.
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(targets: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind(local(0)).await.expect("any free port");
        let address = listener.local_addr().expect("a bound address");
        let targets = Arc::new(Mutex::new(targets));
        let stop = CancellationToken::new();
        let (held, until) = (Arc::clone(&targets), stop.clone());
        tokio::spawn(async move {
            let accepting = async {
                while let Ok((client, _)) = listener.accept().await {
                    let (held, until) = (Arc::clone(&held), until.clone());
                    tokio::spawn(async move {
                        let _ = until.run_until_cancelled(forward(client, &held)).await;
                    });
                }
            };
            let _ = until.run_until_cancelled(accepting).await;
        });
        Self { address, targets, _stop: stop.drop_guard() }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives no more connections to a gateway. Those it has stay.
    pub fn remove(&self, target: SocketAddr) {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).retain(|held| *held != target);
    }

    /// Gives connections to one more gateway.
    pub fn add(&self, target: SocketAddr) {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).push(target);
    }
}

async fn forward(mut client: TcpStream, targets: &Mutex<Vec<SocketAddr>>) {
    let candidates = {
        let mut targets = targets.lock().unwrap_or_else(PoisonError::into_inner);
        if !targets.is_empty() {
            targets.rotate_left(1);
        }
        targets.clone()
    };
    for target in candidates {
        if let Ok(mut gateway) = TcpStream::connect(target).await {
            // Either side's end is the end of both.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut gateway).await;
            return;
        }
    }
}
