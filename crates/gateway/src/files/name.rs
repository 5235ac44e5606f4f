//! What a file may be called.

/// Longest name, in bytes: what file systems take.
const NAME_MAX: usize = 255;

/// The name of a file without one.
const NAMELESS: &str = "file";

/// A file's name as others see it: without the path a client may have put before it, without
/// characters that nobody sees or that turn the line around, and not longer than file systems take.
#[must_use]
pub fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let seen: String = last.chars().filter(|&c| !c.is_control() && !is_invisible(c)).collect();
    let trimmed = seen.trim().trim_matches('.').trim();
    if trimmed.is_empty() {
        return NAMELESS.to_owned();
    }
    shorten(trimmed)
}

/// Marks of direction, zero-width characters, line and paragraph separators, tags.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{061c}' | '\u{e0000}'..='\u{e007f}')
}

/// Cuts a name in its middle, so that the ending stays.
fn shorten(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let ending = if ending.len() <= 16 { ending } else { "" };
    let room = NAME_MAX - if ending.is_empty() { 0 } else { ending.len() + 1 };
    let stem = &name[..name.floor_char_boundary(room)];
    if ending.is_empty() { stem.to_owned() } else { format!("{stem}.{ending}") }
}

/// The name with the ending of another media type, where it has that of `from`.
#[must_use]
pub fn with_type(name: &str, from: &str, to: &str) -> String {
    match (from, to, name.rsplit_once('.')) {
        ("image/webp", "image/jpeg", Some((stem, ending)))
            if ending.eq_ignore_ascii_case("webp") =>
        {
            format!("{stem}.jpg")
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_part_of_a_name() {
        for (given, name) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\photo.png", "photo.png"),
            ("/", "file"),
            ("..", "file"),
            ("", "file"),
            (".htaccess", "htaccess"),
            ("a\r\nX-Header: b.txt", "aX-Header: b.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("  Straße 日本 👍.pdf ", "Straße 日本 👍.pdf"),
        ] {
            assert_eq!(clean(given), name, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let cut = clean(&format!("{}.tar", "日本".repeat(200)));
        assert!(cut.len() <= NAME_MAX && cut.ends_with(".tar"), "{cut}");
        assert!(clean(&"x".repeat(1000)).len() <= NAME_MAX);
        assert!(clean(&format!("a.{}", "x".repeat(1000))).len() <= NAME_MAX);
    }

    #[test]
    fn a_picture_that_became_another_type_is_called_so() {
        assert_eq!(with_type("cat.WebP", "image/webp", "image/jpeg"), "cat.jpg");
        assert_eq!(with_type("cat.png", "image/png", "image/png"), "cat.png");
        assert_eq!(with_type("cat", "image/webp", "image/jpeg"), "cat");
    }
}
