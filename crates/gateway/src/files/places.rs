//! Places for requests that bring bytes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hubbub_protocol::{AttachmentId, ErrorCode, UserId};

use crate::refused::Refused;

/// When to try again who found no place.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// So many places on this node, so many of them for one account, and one for an upload. Clones share
/// them.
#[derive(Debug, Clone)]
pub struct Places {
    of_account: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug)]
struct Taken {
    free: usize,
    by: HashMap<UserId, usize>,
    uploads: HashSet<AttachmentId>,
}

impl Places {
    /// `all` places, `of_account` of them at the most for one account.
    #[must_use]
    pub fn new(all: usize, of_account: usize) -> Self {
        let taken = Taken { free: all, by: HashMap::new(), uploads: HashSet::new() };
        Self { of_account, taken: Arc::new(Mutex::new(taken)) }
    }

    /// A place for a request of `user`.
    ///
    /// # Errors
    /// [`ErrorCode::Overloaded`] when all are taken, or all that one account may have.
    pub fn take(&self, user: UserId) -> Result<Place, Refused> {
        let mut taken = self.taken();
        let theirs = taken.by.get(&user).copied().unwrap_or(0);
        if taken.free == 0 || theirs >= self.of_account {
            return Err(Refused::until(ErrorCode::Overloaded, RETRY_AFTER));
        }
        taken.free -= 1;
        taken.by.insert(user, theirs + 1);
        drop(taken);
        Ok(Place { places: self.clone(), user, upload: None })
    }

    /// A place for a request of `user` that goes on with an upload.
    ///
    /// # Errors
    /// As [`take`](Self::take), and [`ErrorCode::OffsetMismatch`] while another request brings bytes
    /// of the same upload to this node: where the upload will stand then is not known yet.
    pub fn take_for(&self, user: UserId, upload: AttachmentId) -> Result<Place, Refused> {
        let mut place = self.take(user)?;
        if !self.taken().uploads.insert(upload) {
            return Err(Refused::until(ErrorCode::OffsetMismatch, RETRY_AFTER));
        }
        place.upload = Some(upload);
        Ok(place)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    user: UserId,
    upload: Option<AttachmentId>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.free += 1;
        if let Some(theirs) = taken.by.get_mut(&self.user) {
            *theirs -= 1;
            if *theirs == 0 {
                taken.by.remove(&self.user);
            }
        }
        if let Some(upload) = self.upload {
            taken.uploads.remove(&upload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(place: Result<Place, Refused>) -> Option<Refused> {
        place.err()
    }

    #[test]
    fn one_account_has_its_share_of_the_places_and_no_more() {
        let places = Places::new(3, 2);
        let (ada, bob) = (UserId::new(), UserId::new());
        let crowded = Some(Refused::until(ErrorCode::Overloaded, RETRY_AFTER));
        let first = places.take(ada).unwrap();
        let _second = places.take(ada).unwrap();
        assert_eq!(refusal(places.take(ada)), crowded);
        let _third = places.take(bob).unwrap();
        assert_eq!(refusal(places.take(bob)), crowded, "all are taken");
        drop(first);
        let _again = places.take(ada).unwrap();
    }

    #[test]
    fn an_upload_has_one_place_at_a_time() {
        let places = Places::new(9, 9);
        let (ada, upload) = (UserId::new(), AttachmentId::new());
        let first = places.take_for(ada, upload).unwrap();
        let second = refusal(places.take_for(ada, upload)).unwrap();
        assert_eq!(second.code, ErrorCode::OffsetMismatch);
        assert!(second.retry_after.is_some());
        let _other = places.take_for(ada, AttachmentId::new()).unwrap();
        drop(first);
        let _again = places.take_for(ada, upload).unwrap();
    }

    #[test]
    fn nothing_is_remembered_of_places_that_are_free() {
        let places = Places::new(2, 2);
        let upload = AttachmentId::new();
        drop(places.take_for(UserId::new(), upload));
        let taken = places.taken();
        assert_eq!((taken.free, taken.by.len(), taken.uploads.len()), (2, 0, 0));
    }
}
