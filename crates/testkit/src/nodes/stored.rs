//! What MongoDB holds, read past all of our own code.

use futures_util::TryStreamExt;
use hubbub_protocol::{Epoch, MessageId, Position, RoomId, Seq};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};
use mongodb::options::ReadConcern;
use mongodb::{Client, Collection};
use uuid::Uuid;

/// One stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: MessageId,
    /// Its place.
    pub position: Position,
    /// `message`, `member`, `room`, or `void` for a place that holds nothing.
    pub kind: String,
    /// What a message says.
    pub text: Option<String>,
}

/// The collection of events.
#[derive(Debug)]
pub struct StoredEvents(Collection<Document>);

impl StoredEvents {
    pub(super) async fn in_database(uri: &str, database: &str) -> Self {
        let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
        Self(client.database(database).collection("events"))
    }

    /// The events of a room, in order of place, as a majority of the members has them.
    ///
    /// # Panics
    /// When MongoDB can't be asked, or holds what is no event.
    pub async fn of_room(&self, room: RoomId) -> Vec<Stored> {
        let (subtype, bytes) = match room {
            RoomId::Group(id) => (BinarySubtype::Uuid, id.as_bytes().to_vec()),
            RoomId::Direct(hash) => (BinarySubtype::Generic, hash.to_vec()),
        };
        let found = self
            .0
            .find(doc! { "room": Bson::Binary(Binary { subtype, bytes }) })
            .sort(doc! { "seq": 1 })
            .read_concern(ReadConcern::majority())
            .await
            .expect("an answer of MongoDB");
        let documents: Vec<Document> = found.try_collect().await.expect("documents");
        documents.iter().map(stored).collect()
    }
}

fn stored(document: &Document) -> Stored {
    let number = |name| document.get_i64(name).expect("a number").cast_unsigned();
    let Some(Bson::Binary(id)) = document.get("id") else { panic!("an event without an id") };
    let id = Uuid::from_slice(&id.bytes).expect("a UUID");
    let body = document.get_document("body").ok();
    Stored {
        id: MessageId::from_uuid(id),
        position: Position::new(Epoch(number("epoch")), Seq(number("seq"))),
        kind: document.get_str("kind").expect("a kind").to_owned(),
        text: body.and_then(|body| body.get_str("text").ok()).map(str::to_owned),
    }
}
