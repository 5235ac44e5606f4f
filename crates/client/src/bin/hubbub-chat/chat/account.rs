//! One's own account: its name, whom it blocks, where it is logged in.

use hubbub_protocol::http::UpdateMeRequest;

use super::{Chat, explain};
use crate::screen::plain;

impl Chat {
    pub(super) async fn rename(&mut self, name: &str) -> Result<(), String> {
        let me = self.session()?.me.id;
        let display_name = Some(name.to_owned());
        let change = UpdateMeRequest { display_name, ..UpdateMeRequest::default() };
        self.api.update_me(&change).await.map_err(explain)?;
        self.directory.meet(me, name.to_owned());
        self.screen.line(&format!("You are called {} now.", plain(name)));
        Ok(())
    }

    pub(super) async fn block(&mut self, name: &str, on: bool) -> Result<(), String> {
        let user = self.person(name).await?;
        let done = if on { self.api.block(user.id).await } else { self.api.unblock(user.id).await };
        done.map_err(explain)?;
        let is = if on { "is blocked" } else { "is no longer blocked" };
        self.screen.line(&format!("{} {is}.", user.username));
        Ok(())
    }

    pub(super) async fn list_sessions(&mut self) -> Result<(), String> {
        self.session()?;
        let sessions = self.api.sessions().await.map_err(explain)?;
        for (number, session) in (1..).zip(&sessions) {
            let here = if session.current { "*" } else { " " };
            let client = session.client.as_deref().map_or_else(|| "?".to_owned(), plain);
            self.screen.line(&format!("{here}{number:>3}  {client}, since {}", session.created_at));
        }
        self.screen.line("/end N ends one of them.");
        Ok(())
    }

    pub(super) async fn end_session(&mut self, number: usize) -> Result<(), String> {
        self.session()?;
        let sessions = self.api.sessions().await.map_err(explain)?;
        let session = sessions.get(number - 1).ok_or("there is no session of this number")?;
        self.api.end_session(session.id).await.map_err(explain)?;
        self.screen.line("That session has ended.");
        Ok(())
    }
}
