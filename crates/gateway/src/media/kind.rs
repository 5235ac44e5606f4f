//! The media type of bytes.

/// How many of a file's first bytes tell its type.
pub const HEAD: usize = 8 * 1024;

/// What is known of bytes that are nothing known.
pub const UNKNOWN: &str = "application/octet-stream";

/// Types a browser may show in a page of ours: pictures that are written anew ([`is_picture`]), films
/// and sounds without scripts.
const INLINE: [&str; 13] = [
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "audio/mpeg",
    "audio/m4a",
    "audio/ogg",
    "audio/opus",
    "audio/x-wav",
    "audio/x-flac",
];

/// Types that may hold scripts for the page they are opened in.
const ACTIVE: [&str; 4] =
    ["text/html", "text/xml", "image/svg+xml", "application/x-shockwave-flash"];

/// The type of a file that begins with `head` (its first [`HEAD`] bytes, or all it has).
///
/// What a client claims is never asked for. Unknown bytes are `text/plain` where they are UTF-8
/// without control characters, else [`UNKNOWN`].
#[must_use]
pub fn sniff(head: &[u8]) -> &'static str {
    if let Some(text) = text(head) {
        let lower = text.trim_start().get(..5).unwrap_or_default().to_ascii_lowercase();
        if lower.starts_with("<svg") || text.contains("<svg") && text.trim_start().starts_with('<')
        {
            return "image/svg+xml";
        }
    }
    match infer::get(head) {
        Some(kind) => kind.mime_type(),
        None if !head.is_empty() && text(head).is_some() => "text/plain",
        None => UNKNOWN,
    }
}

/// The head of a text, but for a character that was cut in two at its end.
fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    text.chars().all(plain).then_some(text)
}

/// Whether pictures of this type are written anew and shown.
#[must_use]
pub fn is_picture(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/webp" | "image/gif")
}

/// Whether a browser may show a file of this type instead of saving it.
#[must_use]
pub fn is_inline(media_type: &str) -> bool {
    INLINE.contains(&media_type)
}

/// The type a file is served with: nothing that a browser might run keeps its own.
#[must_use]
pub fn served_as(media_type: &str) -> &str {
    if ACTIVE.contains(&media_type) { UNKNOWN } else { media_type }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_their_type() {
        for (bytes, kind) in [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0", "application/zip"),
            (b"<!DOCTYPE html><title>x</title>", "text/html"),
            (b"  <svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
            (b"<?xml version='1.0'?><!-- --><svg onload='x'/>", "image/svg+xml"),
            (b"just words", "text/plain"),
            ("Gr\u{fc}\u{df}e".as_bytes(), "text/plain"),
            (b"\0\x01\x02\x03", UNKNOWN),
            (b"", UNKNOWN),
        ] {
            assert_eq!(sniff(bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn a_text_whose_last_character_is_cut_is_a_text() {
        assert_eq!(sniff(&"na\u{ef}ve caf\u{e9}".as_bytes()[..11]), "text/plain");
    }

    #[test]
    fn what_may_run_is_never_shown_nor_served_as_itself() {
        for active in ACTIVE {
            assert!(!is_inline(active), "{active}");
            assert_eq!(served_as(active), UNKNOWN);
        }
        assert!(is_inline("image/png") && !is_inline("application/pdf"));
        assert_eq!(served_as("application/pdf"), "application/pdf");
    }

    #[test]
    fn a_picture_that_is_not_written_anew_is_not_shown() {
        assert_eq!(sniff(b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B"), "image/avif");
        assert!(!is_inline("image/avif"));
        for shown in INLINE.iter().filter(|kind| kind.starts_with("image/")) {
            assert!(is_picture(shown), "{shown}");
        }
    }
}
