//! The promises of a cluster, on real gateways, workers, Redis and MongoDB.
//!
//! Every client here checks each frame it receives (see `hubbub_testkit::nodes::view`): order,
//! holes and doubles are judged in all tests, whatever they are about.

mod conversation;
