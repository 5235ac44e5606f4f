//! Messages are Markdown, kept and sent as it was written. Here is what a server needs to read in it:
//! its plain text, for excerpts, whom it calls by name, and where its links lead.
//!
//! CommonMark with `~~struck~~` and `||spoilers||`; raw HTML is text. The vectors in
//! `tests/markdown.json` hold for every client as well.

mod links;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

pub use links::{LINK_MAX, links};

use crate::limits::USERNAME_LENGTH;

/// What stands for a hidden text.
const HIDDEN: char = '▮';
/// What a hidden text stands between.
const SPOILER: &str = "||";
/// The names by which a message calls everybody.
const EVERYBODY: [&str; 2] = ["all", "everyone"];

fn events(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH)
}

/// The text without its marks: blocks and items each on a line of their own, links as their text,
/// code as it is, spoilers as one ▮.
#[must_use]
pub fn plain_text(markdown: &str) -> String {
    let mut plain = Plain::default();
    events(markdown).for_each(|event| plain.take(event));
    plain.finish()
}

/// A plain text in the making.
#[derive(Default)]
struct Plain {
    text: String,
    /// Where spoilers may begin or end in the block under way.
    marks: Vec<usize>,
    /// The next item's number in each list that is open; `None` where items have none.
    lists: Vec<Option<u64>>,
    in_code: bool,
}

impl Plain {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) if !self.in_code => {
                let start = self.text.len();
                self.marks.extend(text.match_indices(SPOILER).map(|(at, _)| start + at));
                self.text.push_str(&text);
            }
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.text.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => self.text.push('\n'),
            Event::Start(Tag::List(first)) => {
                self.end_block();
                self.lists.push(first);
            }
            Event::Start(Tag::Item) => {
                self.end_block();
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        self.text.push_str(&format!("{number}. "));
                        *number += 1;
                    }
                    _ => self.text.push_str("• "),
                }
            }
            Event::Start(Tag::CodeBlock(_)) => {
                self.end_block();
                self.in_code = true;
            }
            Event::End(TagEnd::CodeBlock) => {
                self.in_code = false;
                self.end_block();
            }
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
                self.end_block();
            }
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::BlockQuote(_)
                | TagEnd::Item
                | TagEnd::HtmlBlock,
            )
            | Event::Rule => self.end_block(),
            _ => {}
        }
    }

    /// Ends the line, and hides what stands between the marks found since the last one.
    fn end_block(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        for pair in marks.chunks_exact(2).rev() {
            let (start, end) = (pair[0], pair[1]);
            if !self.text[start + SPOILER.len()..end].trim().is_empty() {
                let hidden = HIDDEN.encode_utf8(&mut [0; 4]).to_owned();
                self.text.replace_range(start..end + SPOILER.len(), &hidden);
            }
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn finish(mut self) -> String {
        self.end_block();
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}

/// Whom a text calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// User names (folded to lower case) after an `@`, each once, in the order of the text. Whether
    /// anybody has them is not known here.
    pub names: Vec<String>,
    /// Whether `@all` or `@everyone` is in it.
    pub everybody: bool,
}

/// Whom a text calls outside of code. A name begins after an `@` that is not inside a word, and
/// ends before a `.` or `-` that only ends the sentence.
#[must_use]
pub fn calls(markdown: &str) -> Calls {
    let mut calls = Calls::default();
    // Nearly every message calls nobody, and is not parsed for it.
    if !markdown.contains('@') {
        return calls;
    }
    let mut run = String::new();
    let mut in_code = false;
    for event in events(markdown) {
        match event {
            // A run of text may come in several pieces.
            Event::Text(text) if !in_code => {
                run.push_str(&text);
                continue;
            }
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            _ => {}
        }
        calls.read(&run);
        run.clear();
    }
    calls
}

impl Calls {
    fn read(&mut self, text: &str) {
        for (at, _) in text.match_indices('@') {
            if text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
                continue;
            }
            let rest = &text[at + 1..];
            let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
            // What goes on in another script is no user name.
            if rest[end..].starts_with(char::is_alphanumeric) {
                continue;
            }
            let name = rest[..end].trim_end_matches(['.', '-']).to_ascii_lowercase();
            if EVERYBODY.contains(&name.as_str()) {
                self.everybody = true;
            } else if USERNAME_LENGTH.contains(&name.len()) && !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }
}
