//! What a page says of itself in its head.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use url::Url;

use super::text::tidy;

/// Longest texts of a preview, in characters.
const TITLE_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 400;
const SITE_NAME_MAX: usize = 80;

/// How much of a page is searched for the encoding it claims (HTML, section 13.2.3.2).
const PRESCAN: usize = 1024;

/// Longest text of a title that is kept before it is made shorter, in bytes.
const TITLE_READ: usize = 4096;

/// What a page says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) site_name: Option<String>,
    /// Where its picture is.
    pub(super) image: Option<Url>,
}

/// Where each text may be said: Open Graph (<https://ogp.me>), cards for Twitter, and plain HTML. The
/// first that is there counts.
const TITLES: &[&str] = &["og:title", "twitter:title"];
const DESCRIPTIONS: &[&str] = &["og:description", "twitter:description", "description"];
const SITE_NAMES: &[&str] = &["og:site_name"];
const IMAGES: &[&str] =
    &["og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"];

impl Page {
    /// Reads a page that came from `url`, in the encoding that its server claims, else that it
    /// claims itself, else UTF-8 or Windows-1252, whichever it can be.
    pub(super) fn read(bytes: &[u8], charset: Option<&str>, url: &Url) -> Self {
        let label = |label: &str| Encoding::for_label(label.as_bytes());
        let encoding = charset
            .and_then(label)
            .or_else(|| claimed(&bytes[..bytes.len().min(PRESCAN)]))
            .unwrap_or_else(|| if is_utf8(bytes) { UTF_8 } else { WINDOWS_1252 });
        // A byte order mark is stronger than all of these.
        let (text, _, _) = encoding.decode(bytes);
        let head = Head::read(&text);
        let image = head.first(IMAGES).and_then(|image| url.join(image.trim()).ok());
        Self {
            title: head.text(TITLES, TITLE_MAX).or_else(|| tidy(&head.title, TITLE_MAX)),
            description: head.text(DESCRIPTIONS, DESCRIPTION_MAX),
            site_name: head.text(SITE_NAMES, SITE_NAME_MAX),
            image,
        }
    }
}

/// Whether bytes are UTF-8, but for a character that was cut in two at their end.
fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// The encoding that a page claims in its first bytes.
fn claimed(start: &[u8]) -> Option<&'static Encoding> {
    let head = Head::read(&String::from_utf8_lossy(start));
    let encoding = Encoding::for_label(head.charset?.trim().as_bytes())?;
    // What could be read as ASCII up to here is not UTF-16.
    Some(if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}

/// The parts of a page's head that are of use.
#[derive(Debug, Default)]
struct Head {
    /// The text of the first `title`.
    title: String,
    /// `property` or `name` of each `meta`, in lower case, and its `content`.
    said: Vec<(String, String)>,
    charset: Option<String>,
}

impl Head {
    fn read(html: &str) -> Self {
        let mut head = Self::default();
        let mut emitter = DefaultEmitter::default();
        // Scripts, styles and titles have no tags in them.
        emitter.naively_switch_states(true);
        let (mut in_title, mut had_title) = (false, false);
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Token::StartTag(tag) => match &**tag.name {
                    b"body" => break,
                    b"title" => in_title = !had_title,
                    b"meta" => head.take(&tag),
                    _ => {}
                },
                Token::EndTag(tag) => match &**tag.name {
                    b"head" => break,
                    b"title" => (in_title, had_title) = (false, true),
                    _ => {}
                },
                Token::String(text) if in_title && head.title.len() < TITLE_READ => {
                    head.title.push_str(&String::from_utf8_lossy(&text));
                }
                _ => {}
            }
        }
        head
    }

    fn take(&mut self, meta: &StartTag<()>) {
        let attribute = |name: &str| {
            let value = meta.attributes.get(name.as_bytes())?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        if let Some(charset) = attribute("charset") {
            self.charset.get_or_insert(charset);
        }
        let Some(content) = attribute("content") else { return };
        let is_type = |name: String| name.eq_ignore_ascii_case("content-type");
        if attribute("http-equiv").is_some_and(is_type) {
            let lower = content.to_ascii_lowercase();
            if let Some((_, charset)) = lower.split_once("charset=") {
                self.charset.get_or_insert(charset.to_owned());
            }
        }
        for name in ["property", "name"].into_iter().filter_map(attribute) {
            self.said.push((name.trim().to_ascii_lowercase(), content.clone()));
        }
    }

    /// The first of these names that says something.
    fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let said = self.said.iter().filter(|(said, _)| said == name);
            said.map(|(_, content)| content.as_str()).find(|text| !text.trim().is_empty())
        })
    }

    fn text(&self, names: &[&str], most: usize) -> Option<String> {
        names.iter().find_map(|name| tidy(self.first(&[name])?, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(html: &[u8], charset: Option<&str>) -> Page {
        Page::read(html, charset, &Url::parse("https://example.org/a/b").unwrap())
    }

    fn read(html: &str) -> Page {
        read_as(html.as_bytes(), None)
    }

    fn title(html: &[u8], charset: Option<&str>) -> Option<String> {
        read_as(html, charset).title
    }

    #[test]
    fn a_page_says_what_it_is_in_three_ways() {
        let plain = read("<title>A &amp; <b>B</title><meta name=description content=' C\n D '>");
        assert_eq!(plain.title.as_deref(), Some("A & <b>B"));
        assert_eq!(plain.description.as_deref(), Some("C D"));
        let rich = read(
            "<head><title>plain</title><META Property='og:title' content='Open'>\
             <meta name='twitter:title' content='Card'><meta name=twitter:image content=../c.png>\
             <meta property=og:site_name content=Example><meta name=description content=plain>\
             <meta property=og:description content=''><meta property=twitter:description content=D>",
        );
        assert_eq!(
            rich,
            Page {
                title: Some("Open".to_owned()),
                description: Some("D".to_owned()),
                site_name: Some("Example".to_owned()),
                image: Url::parse("https://example.org/c.png").ok(),
            }
        );
    }

    #[test]
    fn what_is_not_in_the_head_says_nothing() {
        let page = read(
            "<script>'<title>a</title>'</script><style><title>b</title></style>\
             <!-- <title>c</title> --></head><body><title>d</title>\
             <meta property=og:title content=e>",
        );
        assert_eq!(page, Page::default());
        assert_eq!(read(""), Page::default());
        assert_eq!(
            read("<title></title><meta property=og:title><meta content=x>"),
            Page::default()
        );
    }

    #[test]
    fn a_page_is_read_in_the_encoding_it_is_in() {
        let expected = Some("Gr\u{fc}\u{df}e".to_owned());
        let latin = b"<title>Gr\xfc\xdfe</title>";
        assert_eq!(title(latin, Some("iso-8859-1")), expected);
        assert_eq!(title(latin, None), expected);
        assert_eq!(title(latin, Some("no-such-charset")), expected);
        assert_eq!(title("<title>Gr\u{fc}\u{df}e</title>".as_bytes(), None), expected);
        let meta = b"<meta charset=shift_jis><title>\x93\xfa\x96{</title>";
        assert_eq!(title(meta, None).as_deref(), Some("\u{65e5}\u{672c}"));
        let equivalent = b"<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>\
                           <title>\xed\xc9\xd2</title>";
        assert_eq!(title(equivalent, None).as_deref(), Some("\u{41c}\u{438}\u{440}"));
        let wide: Vec<u8> =
            "\u{feff}<title>a</title>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(title(&wide, Some("utf-8")).as_deref(), Some("a"));
    }

    #[test]
    fn texts_are_cut_and_endless_titles_are_not_gathered() {
        let long = format!("<title>{}</title>", "a".repeat(400_000));
        assert_eq!(title(long.as_bytes(), None).unwrap().chars().count(), TITLE_MAX);
        let description = format!("<meta name=description content='{}'>", "b ".repeat(900));
        let description = read(&description).description.unwrap();
        assert!(
            description.chars().count() <= DESCRIPTION_MAX && description.ends_with('\u{2026}')
        );
    }
}
