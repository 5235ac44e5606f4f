//! Presence that waits for one connection: the newest row of each person, whatever came before.

use std::collections::BTreeMap;
use std::sync::Arc;

use hubbub_protocol::UserId;
use hubbub_protocol::server::PresenceState;

use crate::hub::frame::WireFrame;

/// Rows in one frame.
pub const ROWS_PER_FRAME: usize = 100;

/// What somebody is doing, encoded once for everybody who watches them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceRow {
    /// Who.
    pub user: UserId,
    json: Arc<str>,
}

impl PresenceRow {
    /// The row of a state.
    ///
    /// # Panics
    /// Never: a state has string keys only, so it is always JSON.
    #[must_use]
    pub fn new(state: &PresenceState) -> Self {
        let json = serde_json::to_string(state).expect("string keys only, so it is always JSON");
        Self { user: state.user, json: json.into() }
    }
}

/// The rows that wait. Bounded by whom the connection watches.
#[derive(Debug, Default)]
pub(super) struct Rows(BTreeMap<UserId, Arc<str>>);

impl Rows {
    pub(super) fn put(&mut self, rows: impl IntoIterator<Item = PresenceRow>) {
        self.0.extend(rows.into_iter().map(|row| (row.user, row.json)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what goes into the next frame.
    pub(super) fn take(&mut self) -> Vec<Arc<str>> {
        let mut taken = Vec::with_capacity(self.0.len().min(ROWS_PER_FRAME));
        while taken.len() < ROWS_PER_FRAME
            && let Some((_, row)) = self.0.pop_first()
        {
            taken.push(row);
        }
        taken
    }
}

/// The `presence` frame of these rows.
pub(super) fn frame(rows: &[Arc<str>]) -> WireFrame {
    WireFrame::text(format!(r#"{{"type":"presence","users":[{}]}}"#, rows.join(",")).as_bytes())
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::ServerFrame;
    use hubbub_protocol::http::UserStatus;

    use super::*;

    fn state(status: UserStatus) -> PresenceState {
        let status_text = Some("\"out\"".to_owned());
        PresenceState { user: UserId::new(), status, status_text, last_seen: None }
    }

    #[test]
    fn a_frame_of_rows_is_the_frame_of_their_states() {
        let states = [state(UserStatus::Online), state(UserStatus::Away)];
        let rows: Vec<_> = states.iter().map(|state| PresenceRow::new(state).json).collect();
        let expected = ServerFrame::Presence { users: states.to_vec() };
        assert_eq!(frame(&rows).payload(), expected.encode().as_bytes());
    }

    #[test]
    fn of_one_person_the_newest_row_waits() {
        let mut newer = state(UserStatus::Online);
        let older = PresenceRow::new(&newer);
        newer.status = UserStatus::Away;
        let newer = PresenceRow::new(&newer);
        let mut rows = Rows::default();
        rows.put([older]);
        rows.put([newer.clone()]);
        assert_eq!(rows.take(), [newer.json]);
        assert!(rows.is_empty());
    }

    #[test]
    fn more_rows_than_fit_go_into_the_next_frame() {
        let mut rows = Rows::default();
        rows.put((0..=ROWS_PER_FRAME).map(|_| PresenceRow::new(&state(UserStatus::Online))));
        assert_eq!(rows.take().len(), ROWS_PER_FRAME);
        assert_eq!(rows.take().len(), 1);
    }
}
