//! The store of a cluster: MongoDB.
