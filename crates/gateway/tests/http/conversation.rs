//! Three people in a room who have something to say.

use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{MessageBody, MessageId, NewEvent, RoomId, Timestamp};
use serde_json::{Value, json};

use crate::api::{Api, Person};

/// A private room of Ada's with Bob and Eve in it.
pub(crate) struct Scene {
    pub(crate) api: Api,
    pub(crate) ada: Person,
    pub(crate) bob: Person,
    pub(crate) eve: Person,
    room: String,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::over(Api::start()).await
    }

    pub(crate) async fn over(api: Api) -> Self {
        let (ada, bob, eve) =
            (api.person("ada").await, api.person("bob").await, api.person("eve").await);
        let room: Value = api.room(&ada, "Tea", "private").await;
        for person in [&bob, &eve] {
            let code = json!({ "code": room["code"] });
            api.post("/rooms/join").by(person).json(&code).await.ok(axum::http::StatusCode::OK);
        }
        let room = room["id"].as_str().unwrap().to_owned();
        Self { api, ada, bob, eve, room }
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/rooms/{}{rest}", self.room)
    }

    pub(crate) fn id(&self) -> RoomId {
        self.room.parse().unwrap()
    }

    /// Lets something happen in the room, without waiting for it to be stored. Its id and seq.
    pub(crate) async fn happens(&self, by: &Person, kind: NewEventKind) -> (MessageId, u64) {
        let id = MessageId::new();
        let event = NewEvent { room: self.id(), id, sender: by.id, at: Timestamp::now(), kind };
        (id, self.api.app.committer.commit(&event).await.unwrap().position.seq.0)
    }

    /// Says something, and waits until it is stored. Its id and seq.
    pub(crate) async fn says(&self, by: &Person, text: &str) -> (MessageId, u64) {
        let said = self.happens(by, NewEventKind::Message { body: MessageBody::text(text) }).await;
        self.api.store_all().await;
        said
    }
}
