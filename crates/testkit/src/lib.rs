//! For tests only: real redis-server and mongod, nodes, a checking client, a fault proxy.
