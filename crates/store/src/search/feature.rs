//! What a message can be found by, and what a query needs a message to have: the same set of
//! hashes, so that the index need not know what they stand for.

use hubbub_protocol::{Message, MessageBody, UserId};

use super::block::{FILTER_BITS, ROWS};
use super::text::{Folded, GRAM, Term};
use super::{Has, SearchQuery};
use crate::change::called;

/// One thing that a message can be found by. The hash is kept on disk: it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feature(u64);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Gram = 1,
    WordStart,
    From,
    Mention,
    Has,
}

impl Feature {
    /// FNV-1a (64 bits), then the finishing mix of MurmurHash3, since single bits of it are used.
    fn new(kind: Kind, payload: impl IntoIterator<Item = u8>) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in std::iter::once(kind as u8).chain(payload) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        Self(hash ^ (hash >> 33))
    }

    fn of_chars(kind: Kind, chars: &[char]) -> Self {
        Self::new(kind, chars.iter().flat_map(|c| u32::from(*c).to_le_bytes()))
    }

    fn of_user(kind: Kind, user: UserId) -> Self {
        Self::new(kind, user.as_uuid().into_bytes())
    }

    fn of_has(has: Has) -> Self {
        Self::new(
            Kind::Has,
            [match has {
                Has::Link => 1,
                Has::File => 2,
                Has::Image => 3,
                Has::Reaction => 4,
                Has::Reply => 5,
            }],
        )
    }

    /// Its bits in a block's filter.
    pub(super) const fn filter_bits(self) -> [usize; 2] {
        let bits = FILTER_BITS as u64;
        [(self.0 % bits) as usize, ((self.0 >> 20) % bits) as usize]
    }

    /// Its row of a block's bitmaps.
    pub(super) const fn row(self) -> usize {
        ((self.0 >> 40) % ROWS as u64) as usize
    }
}

/// What a message can be found by, each once. A deleted one by nothing.
pub(super) fn of_message(message: &Message) -> Vec<Feature> {
    let mut features = Vec::new();
    if message.deleted_at.is_some() {
        return features;
    }
    features.push(Feature::of_user(Kind::From, message.sender));
    if !message.reactions.is_empty() {
        features.push(Feature::of_has(Has::Reaction));
    }
    add_body(&message.body, &mut features);
    features.sort_unstable();
    features.dedup();
    features
}

/// What a message can be found by for the sake of its body.
pub(super) fn add_body(body: &MessageBody, features: &mut Vec<Feature>) {
    for has in [Has::Link, Has::File, Has::Image, Has::Reply] {
        if body_has(body, has) {
            features.push(Feature::of_has(has));
        }
    }
    features.extend(called(&body.mentions).map(|user| Feature::of_user(Kind::Mention, user)));
    let text = Folded::of(&body.text);
    let chars = text.chars();
    add_grams(chars, features);
    for at in (0..chars.len()).filter(|at| chars[*at] != ' ' && text.begins(*at)) {
        features.push(Feature::of_chars(Kind::WordStart, &chars[at..=at]));
        if chars.get(at + 1).is_some_and(|next| *next != ' ') {
            features.push(Feature::of_chars(Kind::WordStart, &chars[at..at + 2]));
        }
    }
}

/// Grams do not reach over spaces.
fn add_grams(chars: &[char], features: &mut Vec<Feature>) {
    for word in chars.split(|c| *c == ' ') {
        features.extend(word.windows(GRAM).map(|gram| Feature::of_chars(Kind::Gram, gram)));
    }
}

pub(super) fn body_has(body: &MessageBody, has: Has) -> bool {
    match has {
        Has::Link => has_link(&body.text),
        Has::File => !body.attachments.is_empty(),
        Has::Image => body.attachments.iter().any(|file| file.media_type.starts_with("image/")),
        Has::Reply => body.reply_to.is_some(),
        Has::Reaction => false,
    }
}

fn has_link(text: &str) -> bool {
    let text = text.as_bytes();
    ["http://", "https://"].iter().any(|scheme| {
        text.windows(scheme.len()).any(|window| window.eq_ignore_ascii_case(scheme.as_bytes()))
    })
}

/// What every message that fulfils a query has, each once.
pub(super) fn of_query(query: &SearchQuery) -> Vec<Feature> {
    let mut features = Vec::new();
    features.extend(query.from.map(|user| Feature::of_user(Kind::From, user)));
    features.extend(query.mentions.map(|user| Feature::of_user(Kind::Mention, user)));
    features.extend(query.has.iter().map(|has| Feature::of_has(*has)));
    for term in query.terms.iter().filter_map(|term| Term::new(term)) {
        let chars = term.chars();
        add_grams(chars, &mut features);
        for (number, word) in chars.split(|c| *c == ' ').enumerate() {
            // The first word of a phrase may be the end of a longer one; those after it begin there.
            if (1..GRAM).contains(&word.len()) && (number > 0 || word.len() == chars.len()) {
                features.push(Feature::of_chars(Kind::WordStart, word));
            }
        }
    }
    features.sort_unstable();
    features.dedup();
    features
}
