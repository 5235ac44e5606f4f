//! What is told to those who watch somebody.

use hubbub_bus::BusError;
use hubbub_bus::presence::CHANGED;
use hubbub_protocol::http::{Availability, User, UserStatus};
use hubbub_protocol::{RoomId, ServerFrame, Timestamp, UserId};
use hubbub_store::UserRecord;

use crate::app::App;

/// The volatile key of a `user` frame on a presence channel.
pub(crate) const PROFILE_KEY: &str = "user";
/// The volatile key, followed by a user id, that takes a person off what that user watches.
pub(crate) const HIDES_KEY: &str = "hides:";

/// What others are shown of somebody whose connections tell `status`, and when they were last seen.
pub(crate) fn shown(user: &UserRecord, status: UserStatus) -> (UserStatus, Option<Timestamp>) {
    let status = user.availability.shown(status);
    let is_told = status == UserStatus::Offline && user.availability != Availability::Invisible;
    (status, user.last_seen.filter(|_| is_told))
}

/// Something about a user that a `presence` frame tells may have changed, such as the status text:
/// those who watch them are told within a second if it has.
///
/// # Errors
/// When the bus can't be reached; it may be called again.
pub async fn announce(app: &App, user: UserId) -> Result<(), BusError> {
    app.bus.publish_volatile(RoomId::presence_of(user), CHANGED, "").await
}

/// A user has another name, picture or status text: those who watch them get the `user` frame, and
/// a `presence` frame if that tells something else now. Their own devices are not told by this.
///
/// # Errors
/// When the bus can't be reached; it may be called again.
pub async fn announce_profile(app: &App, user: &User) -> Result<(), BusError> {
    let channel = RoomId::presence_of(user.id);
    let frame = ServerFrame::User { user: user.clone() }.encode();
    app.bus.publish_volatile(channel, PROFILE_KEY, &frame).await
}

/// A user has blocked `viewer`, whose connections no longer see what the user does. Call after the
/// block is stored. When it is taken back, they see it from their next `watch` on.
///
/// # Errors
/// When the bus can't be reached; it may be called again.
pub async fn hide(app: &App, user: UserId, viewer: UserId) -> Result<(), BusError> {
    let key = format!("{HIDES_KEY}{viewer}");
    app.bus.publish_volatile(RoomId::presence_of(user), &key, "").await
}
