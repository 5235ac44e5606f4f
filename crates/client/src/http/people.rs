//! One's own account and sessions, blocks, and the site administrator's side.

use hubbub_protocol::http::{
    Account, ChangePasswordRequest, DeleteMeRequest, Me, Session, SessionList,
    UpdateAccountRequest, UpdateMeRequest, User, UserList,
};
use hubbub_protocol::{SessionId, UserId};
use reqwest::Method;

use super::{Api, ApiError, read};

impl Api {
    /// One's own account, with what others do not see.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn account(&self) -> Result<Me, ApiError> {
        self.get("me", &[]).await
    }

    /// Changes one's profile.
    ///
    /// # Errors
    /// [`ApiError`]; `invalid_field` for what is out of bounds.
    pub async fn update_me(&self, change: &UpdateMeRequest) -> Result<Me, ApiError> {
        read(self.call(Method::PATCH, "me", Some(change)).await?).await
    }

    /// Changes one's password, which ends all other sessions.
    ///
    /// # Errors
    /// [`ApiError`]; `invalid_credentials` for a wrong `current` one.
    pub async fn change_password(&self, current: &str, password: &str) -> Result<(), ApiError> {
        let (current, password) = (current.to_owned(), password.to_owned());
        let request = ChangePasswordRequest { current, password };
        self.call(Method::PUT, "me/password", Some(&request)).await.map(drop)
    }

    /// Ends one's account for good.
    ///
    /// # Errors
    /// [`ApiError`]; `invalid_credentials` for a wrong password, `last_admin` for the last site
    /// administrator.
    pub async fn delete_me(&self, password: &str) -> Result<(), ApiError> {
        let request = DeleteMeRequest { password: password.to_owned() };
        self.call(Method::DELETE, "me", Some(&request)).await.map(drop)
    }

    /// Where one is logged in, the newest session first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn sessions(&self) -> Result<Vec<Session>, ApiError> {
        self.get::<SessionList>("me/sessions", &[]).await.map(|list| list.sessions)
    }

    /// Ends one of one's sessions.
    ///
    /// # Errors
    /// [`ApiError`]; `session_not_found` for one that is not one's own, or has ended.
    pub async fn end_session(&self, session: SessionId) -> Result<(), ApiError> {
        let path = format!("me/sessions/{session}");
        self.call(Method::DELETE, &path, None::<&()>).await.map(drop)
    }

    /// Ends all of one's sessions but this one.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn end_other_sessions(&self) -> Result<(), ApiError> {
        self.call(Method::DELETE, "me/sessions", None::<&()>).await.map(drop)
    }

    /// Blocks somebody.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn block(&self, user: UserId) -> Result<(), ApiError> {
        self.call(Method::PUT, &format!("me/blocks/{user}"), None::<&()>).await.map(drop)
    }

    /// Takes a block back.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unblock(&self, user: UserId) -> Result<(), ApiError> {
        self.call(Method::DELETE, &format!("me/blocks/{user}"), None::<&()>).await.map(drop)
    }

    /// Whom one has blocked, from the start or after a page's `next`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn blocks(&self, after: Option<&str>) -> Result<UserList, ApiError> {
        let parameters: Vec<_> =
            after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get("me/blocks", &parameters).await
    }

    /// Somebody.
    ///
    /// # Errors
    /// [`ApiError`]; `user_not_found` for nobody.
    pub async fn user(&self, user: UserId) -> Result<User, ApiError> {
        self.get(&format!("users/{user}"), &[]).await
    }

    /// Suspends, reinstates, makes or unmakes an administrator; for site administrators.
    ///
    /// # Errors
    /// [`ApiError`]; `not_found` for everybody else.
    pub async fn update_account(
        &self,
        user: UserId,
        change: &UpdateAccountRequest,
    ) -> Result<Account, ApiError> {
        let path = format!("admin/users/{user}");
        read(self.call(Method::PATCH, &path, Some(change)).await?).await
    }

    /// People whose name or a word of it starts with `query`; those who are connected only, if
    /// `online`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn users(&self, query: &str, online: bool) -> Result<UserList, ApiError> {
        let mut parameters = vec![("q", query.to_owned())];
        if online {
            parameters.push(("online", "true".to_owned()));
        }
        self.get("users", &parameters).await
    }
}
