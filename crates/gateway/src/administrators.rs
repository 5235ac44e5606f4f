//! The site administrators that a setting names.

use hubbub_store::{Store, StoreError};

/// Makes administrators of the accounts with these (folded) user names that are there. The others
/// become administrators when they register.
///
/// # Errors
/// When the store is away.
pub async fn appoint(store: &dyn Store, usernames: &[String]) -> Result<(), StoreError> {
    for username in usernames {
        let Some((user, _)) = store.credentials(username).await? else { continue };
        if !user.admin && user.is_active() {
            store.set_admin(user.id, true).await?;
            tracing::info!(user = %user.id, "made a site administrator, as the settings say");
        }
    }
    Ok(())
}
