//! The lobby: a public room that everybody who registers is in.
//!
//! It belongs to the site. Nobody owns it, so that nobody's leaving changes anything, and only a site
//! administrator can destroy it; they keep order in it as moderators. Its id is the same everywhere,
//! which is why any number of gateways may make it at once; destroyed, it does not come back.

use std::sync::Arc;

use hubbub_protocol::http::Role;
use hubbub_protocol::{ErrorCode, MemberChange, RoomCode, Timestamp, UserId};
use hubbub_store::{LOBBY, StoreError, UserRecord};

use super::joining;
use super::rooms::BEGINNING;
use super::uninterrupted;
use crate::app::App;
use crate::membership::{MembershipChange, announce};
use crate::refused::Refused;

/// Makes the lobby, unless it is there, was destroyed, or is not wanted. Done again, it changes
/// nothing: the name is the site's to change.
///
/// # Errors
/// When the store is away.
pub async fn open(app: &App) -> Result<(), StoreError> {
    let Some(name) = &app.http.lobby else { return Ok(()) };
    match app.store.open_lobby(name, RoomCode::new(), Timestamp::now()).await {
        Ok(true) => {
            // Without it the first commit finds the room unseeded and takes care of that.
            if let Err(error) = app.bus.seed(LOBBY, BEGINNING, false).await {
                tracing::warn!(%error, "the lobby has no counters yet");
            }
            tracing::info!(name, "made the lobby");
            Ok(())
        }
        Ok(false) | Err(StoreError::NoSuchRoom) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets somebody new into the lobby. They have an account whatever becomes of this; if it fails they
/// find the lobby in the directory.
pub(super) async fn welcome(app: &Arc<App>, user: &UserRecord) {
    if app.http.lobby.is_none() {
        return;
    }
    let (inside, user, admin) = (Arc::clone(app), user.id, user.admin);
    let entered = uninterrupted(async move { Ok(enter(&inside, user, admin).await?) }).await;
    match entered {
        Ok(()) => {}
        Err(error) if error.code() == ErrorCode::RoomNotFound => {
            tracing::debug!("the lobby was destroyed");
        }
        Err(error) => tracing::warn!(code = %error.code(), %user, "a newcomer is not in the lobby"),
    }
}

async fn enter(app: &App, user: UserId, admin: bool) -> Result<(), Refused> {
    // What was said before they came is not unread.
    let read = app.committer.head(LOBBY).await?.seq;
    let now = Timestamp::now();
    app.store.join(LOBBY, user, read, now).await?;
    joining::tell(app, LOBBY, user, now).await?;
    if admin { follow(app, user, admin).await } else { Ok(()) }
}

/// Makes a member of the lobby a moderator because they administer the site, or a member because
/// they no longer do. Whoever is not in the lobby stays out.
///
/// # Errors
/// When store or bus are away. Can be repeated.
pub(crate) async fn follow(app: &App, user: UserId, admin: bool) -> Result<(), Refused> {
    let role = if admin { Role::Moderator } else { Role::Member };
    match app.store.set_role(LOBBY, user, role).await {
        Ok(before) if before == role => Ok(()),
        Ok(_) => {
            let (change, at) = (MemberChange::Role, Timestamp::now());
            let role = Some(role);
            let change =
                MembershipChange { room: LOBBY, actor: user, user, change, at, role, until: None };
            announce(&app.bus, &app.committer, &change).await?;
            Ok(())
        }
        Err(StoreError::NoSuchMember | StoreError::NoSuchRoom) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
