//! For tests only: real servers on free ports, and ways to break them.
//!
//! - [`redis`]: one `redis-server`, or a Redis Cluster of three
//! - [`mongo`]: a MongoDB replica set of one or more `mongod`
//! - [`s3`]: a server that speaks S3, with a bucket
//! - [`tls`]: certificates for servers that are reached over TLS
//! - [`proxy`]: a TCP proxy that delays, cuts, swallows and stalls
//! - [`process`]: a child process that never outlives the test
//! - [`port`]: ports for servers that are stopped and started again
//! - `load` (with the feature of that name): load on running processes, and what it costs them
//! - `nodes` (with the feature of that name): gateways, workers, and clients that check every frame
//!
//! Everything listens on 127.0.0.1 only, is ready when its `start` returns, and is killed on drop.
//! What a static holds is never dropped; a watchdog ends that, and removes the files, as soon as
//! the test process is gone, however it went.
//!
//! A server that can't be started fails the test: these functions panic, with the end of the
//! server's log.

#[cfg(feature = "load")]
pub mod load;
pub mod mongo;
#[cfg(feature = "nodes")]
pub mod nodes;
pub mod port;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod s3;
pub mod tls;
mod watchdog;
