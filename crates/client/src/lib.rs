//! The Rust client of Hubbub, and hubbub-chat, the terminal client.
