//! A page of history as two scans that meet at a pivot: one down from it, one up.

use hubbub_protocol::{Message, Seq};

use crate::{HistoryPage, Page};

/// What to read for a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Where the scans meet: the lower one ends below it, the upper one begins with it.
    pub(crate) pivot: Seq,
    /// Messages wanted below the pivot.
    below: usize,
    /// Messages wanted from the pivot on.
    above: usize,
}

impl Window {
    pub(crate) fn of(page: Page, limit: usize) -> Self {
        match page {
            Page::Latest => Self { pivot: Seq::from_i64(i64::MAX), below: limit, above: 0 },
            Page::Before(seq) => Self { pivot: seq, below: limit, above: 0 },
            Page::After(seq) => {
                Self { pivot: Seq(seq.0.saturating_add(1)), below: 0, above: limit }
            }
            Page::Around(seq) => Self { pivot: seq, below: limit / 2, above: limit - limit / 2 },
        }
    }

    /// How many messages to read downwards: one more than wanted tells whether there are older.
    pub(crate) fn read_below(&self) -> i64 {
        one_more(self.below)
    }

    /// How many messages to read upwards: one more than wanted tells whether there are newer.
    pub(crate) fn read_above(&self) -> i64 {
        one_more(self.above)
    }

    /// The page, from what was read below the pivot (descending) and from it on (ascending).
    pub(crate) fn page(&self, mut below: Vec<Message>, mut above: Vec<Message>) -> HistoryPage {
        let older = below.len() > self.below;
        let newer = above.len() > self.above;
        below.truncate(self.below);
        above.truncate(self.above);
        below.reverse();
        below.append(&mut above);
        HistoryPage { messages: below, older, newer }
    }
}

fn one_more(wanted: usize) -> i64 {
    i64::try_from(wanted).unwrap_or(i64::MAX).saturating_add(1)
}
