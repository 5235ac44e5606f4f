//! The addresses of the web that a text leads to.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

use super::SPOILER;

/// Longest address that is looked at, in bytes.
pub const LINK_MAX: usize = 2048;

/// The addresses (`http:`, `https:`) that a text shows as links, in their order, as they were
/// written; a bare `www.` name gets `http://` before it.
///
/// Not those in code, in spoilers and in raw HTML, and not those in angle brackets
/// (`<https://example.org>`): that is how somebody says that nothing more of a link is to be shown.
/// A bare address ends where GitHub's Markdown ends it, and before a `||`.
#[must_use]
pub fn links(markdown: &str) -> Vec<String> {
    // Nearly every message has none, and is not parsed for it.
    if !markdown.contains("://") && !markdown.contains(WWW) {
        return Vec::new();
    }
    let mut reading = Reading { markdown, ..Reading::default() };
    for (event, place) in
        Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH).into_offset_iter()
    {
        reading.take(&event, place);
    }
    reading.end_block();
    reading.shown
}

const WWW: &str = "www.";

#[derive(Default)]
struct Reading<'a> {
    markdown: &'a str,
    /// Those of blocks that have ended.
    shown: Vec<String>,
    /// Those of the block under way, and where they stand.
    found: Vec<(usize, String)>,
    /// Where spoilers may begin or end in the block under way.
    marks: Vec<usize>,
    /// Up to where bare addresses were read.
    read: usize,
    /// Code, links and pictures that are open: nothing in them is an address.
    closed_off: usize,
}

impl Reading<'_> {
    fn take(&mut self, event: &Event<'_>, place: Range<usize>) {
        match event {
            Event::Text(_) if self.closed_off == 0 => self.read_text(place),
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                let quiet = matches!(link_type, LinkType::Autolink | LinkType::Email);
                if self.closed_off == 0 && !quiet && is_web(dest_url) && dest_url.len() <= LINK_MAX
                {
                    self.found.push((place.start, dest_url.to_string()));
                }
                self.closed_off += 1;
            }
            Event::Start(Tag::CodeBlock(_) | Tag::Image { .. }) => self.closed_off += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Image | TagEnd::Link) => self.closed_off -= 1,
            Event::Start(Tag::List(_) | Tag::Item)
            | Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::BlockQuote(_)
                | TagEnd::Item
                | TagEnd::List(_),
            ) => self.end_block(),
            _ => {}
        }
    }

    /// Finds addresses that begin in a run of text. They may go on behind it: an underscore in one
    /// ends a run.
    fn read_text(&mut self, place: Range<usize>) {
        let run = &self.markdown[place.clone()];
        self.marks.extend(run.match_indices(SPOILER).map(|(at, _)| place.start + at));
        let mut at = self.read.max(place.start);
        while at < place.end {
            let Some((start, end)) = next_bare(self.markdown, at..place.end) else { break };
            let text = &self.markdown[start..end];
            let scheme = if text.starts_with(WWW) { "http://" } else { "" };
            self.found.push((start, format!("{scheme}{text}")));
            self.read = end;
            at = end;
        }
    }

    /// Keeps what is not between two marks of spoilers.
    fn end_block(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        let pairs = || marks.chunks_exact(2).map(|pair| pair[0]..pair[1]);
        let found = std::mem::take(&mut self.found);
        let visible = found.into_iter().filter(|(at, _)| !pairs().any(|pair| pair.contains(at)));
        self.shown.extend(visible.map(|(_, link)| link));
    }
}

fn is_web(address: &str) -> bool {
    ["http://", "https://"].into_iter().any(|scheme| starts_with(address, scheme))
}

fn starts_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// The next bare address that starts within `place`, if there is one: where it starts and ends.
fn next_bare(markdown: &str, place: Range<usize>) -> Option<(usize, usize)> {
    let mut from = place.start;
    while from < place.end {
        let candidates = markdown[from..place.end].char_indices().map(|(at, _)| from + at);
        let (start, prefix) =
            candidates.filter_map(|at| Some((at, prefix(markdown, at)?))).next()?;
        let rest = &markdown[start..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '<').unwrap_or(rest.len());
        let hidden = rest[..end].find(SPOILER).unwrap_or(end);
        let text = &rest[..hidden];
        let has_host = text[prefix..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let kept = if text.len() <= LINK_MAX { without_ending(text) } else { "" };
        if has_host && kept.len() > prefix {
            return Some((start, start + kept.len()));
        }
        from = start + prefix;
    }
    None
}

/// The length of what makes an address of what stands at `at`: `https://`, `http://`, or a `www.`
/// that begins a word.
fn prefix(markdown: &str, at: usize) -> Option<usize> {
    let rest = &markdown[at..];
    if let Some(scheme) = ["https://", "http://"].into_iter().find(|s| starts_with(rest, s)) {
        return Some(scheme.len());
    }
    let begins = markdown[..at]
        .chars()
        .next_back()
        .is_none_or(|c| c.is_whitespace() || matches!(c, '*' | '_' | '~' | '('));
    (begins && rest.starts_with(WWW)).then_some(WWW.len())
}

/// An address without the punctuation of the sentence around it: what stands at its end, an
/// unmatched bracket, an entity.
fn without_ending(mut text: &str) -> &str {
    loop {
        let kept = &text[..kept(text)];
        if kept.len() == text.len() {
            return kept;
        }
        text = kept;
    }
}

/// How much of an address stays when one more thing is taken off its end.
fn kept(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_ending = |c: u8| b"?!.,:;*_'\"~)".contains(&c);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' => match text[at..].find(')') {
                Some(length) => at += length + 1,
                None => return at,
            },
            b'&' => {
                let name = text[at + 1..].strip_suffix(';');
                let is_entity = name.is_some_and(|name| {
                    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric())
                });
                if is_entity {
                    return at;
                }
                at += 1;
            }
            c if is_ending(c) => {
                let run = bytes[at..].iter().take_while(|c| is_ending(**c)).count();
                if at + run == bytes.len() {
                    return at;
                }
                at += run;
            }
            _ => at += 1,
        }
    }
    at
}
