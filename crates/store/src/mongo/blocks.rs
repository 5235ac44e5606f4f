//! Blocks in MongoDB: one document per (user, blocked), whose key is both ids.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::UserId;
use mongodb::bson::{Bson, Document, doc};

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::StoreError;
use crate::blocks::{BLOCKS_MAX, BlockStore};

fn key(user: UserId, blocked: UserId) -> Bson {
    value::of_bytes(&[*user.as_uuid().as_bytes(), *blocked.as_uuid().as_bytes()].concat())
}

impl MongoStore {
    /// One side of the blocks that fulfil a condition.
    async fn sides_of_blocks(
        &self,
        filter: Document,
        side: &'static str,
    ) -> Result<Vec<UserId>, StoreError> {
        let found = self.blocks.find(filter).await?;
        found.err_into().and_then(async |block| value::user(&block, side)).try_collect().await
    }
}

#[async_trait]
impl BlockStore for MongoStore {
    async fn block(&self, user: UserId, blocked: UserId) -> Result<bool, StoreError> {
        let (id, user, blocked) =
            (key(user, blocked), value::of_user(user), value::of_user(blocked));
        self.within(async {
            let others = doc! { "user": &user, "blocked": { "$ne": &blocked } };
            if self.blocks.count_documents(others).await? >= BLOCKS_MAX as u64 {
                return Err(StoreError::TooManyBlocks);
            }
            let block = doc! { "_id": id, "user": user, "blocked": blocked };
            match self.blocks.insert_one(block).await {
                Ok(_) => Ok(true),
                Err(error) if is_duplicate(&error) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn unblock(&self, user: UserId, blocked: UserId) -> Result<bool, StoreError> {
        self.within(async {
            let removed = self.blocks.delete_one(doc! { "_id": key(user, blocked) }).await?;
            Ok(removed.deleted_count > 0)
        })
        .await
    }

    async fn blocked_by(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let mut filter = doc! { "user": value::of_user(user) };
        if let Some(after) = after {
            filter.insert("blocked", doc! { "$gt": value::of_user(after) });
        }
        self.within(async {
            let found = self.blocks.find(filter).sort(doc! { "blocked": 1 }).limit(limit).await?;
            let blocked = found.err_into().and_then(async |block| value::user(&block, "blocked"));
            blocked.try_collect().await
        })
        .await
    }

    async fn blocked_between(
        &self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = others.iter().map(|other| key(user, *other)).collect();
        let own = self.within(self.sides_of_blocks(doc! { "_id": { "$in": keys } }, "blocked"));
        let (own, theirs) = futures_util::try_join!(own, self.blockers_among(user, others))?;
        let mut all = [own, theirs].concat();
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    async fn blockers_among(
        &self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = others.iter().map(|other| key(*other, user)).collect();
        let mut blockers =
            self.within(self.sides_of_blocks(doc! { "_id": { "$in": keys } }, "user")).await?;
        blockers.sort_unstable();
        Ok(blockers)
    }

    async fn blocks_among(
        &self,
        pairs: &[(UserId, UserId)],
    ) -> Result<Vec<(UserId, UserId)>, StoreError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = pairs.iter().map(|(user, blocked)| key(*user, *blocked)).collect();
        self.within(async {
            let found = self.blocks.find(doc! { "_id": { "$in": keys } }).await?;
            found
                .err_into()
                .and_then(async |block| {
                    Ok((value::user(&block, "user")?, value::user(&block, "blocked")?))
                })
                .try_collect()
                .await
        })
        .await
    }
}
