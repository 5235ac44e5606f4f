//! An account and its HTTP calls.

use std::net::SocketAddr;

use hubbub_client::http::Api;
use hubbub_protocol::http::{Room, RoomKind, User};
use hubbub_protocol::{RoomId, UserId};
use uuid::Uuid;

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Calls to the gateway they registered at.
    pub api: Api,
    /// Their account.
    pub user: User,
    /// Their access token when they logged in.
    token: String,
}

impl Person {
    /// Somebody new.
    ///
    /// # Panics
    /// When they can't be registered.
    pub async fn register(gateway: SocketAddr) -> Self {
        let name = Uuid::new_v4().simple().to_string();
        let api = api(gateway);
        let user = api.register(&name[..16], PASSWORD).await.expect("a registration");
        Self::logged_in(api, user).await
    }

    /// The same account in another session, begun at `gateway`.
    ///
    /// # Panics
    /// When they can't log in.
    pub async fn login(&self, gateway: SocketAddr) -> Self {
        let api = api(gateway);
        let user = api.login(&self.user.username, PASSWORD).await.expect("a login");
        Self::logged_in(api, user).await
    }

    async fn logged_in(api: Api, user: User) -> Self {
        let token = api.access_token(std::time::Duration::ZERO).await.expect("a token");
        Self { api, user, token }
    }

    /// Who it is.
    #[must_use]
    pub const fn id(&self) -> UserId {
        self.user.id
    }

    /// Their access token when they logged in, good at every gateway.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Makes a private room with these other members.
    ///
    /// # Panics
    /// When it can't be made or joined.
    pub async fn room_with(&self, others: &[&Self]) -> RoomId {
        let room = self.api.create_room("A room", RoomKind::Private).await.expect("a room");
        for other in others {
            other.join(&room).await;
        }
        room.id
    }

    /// Joins a room that somebody else made.
    ///
    /// # Panics
    /// When it can't be joined.
    pub async fn join(&self, room: &Room) {
        let code = room.code.expect("the owner sees the code");
        self.api.join_room(&code.to_string()).await.expect("a room to join");
    }
}

fn api(gateway: SocketAddr) -> Api {
    Api::new(&format!("http://{gateway}")).expect("a server's address")
}
