//! The Hubbub gateway: HTTP and WebSocket server.
