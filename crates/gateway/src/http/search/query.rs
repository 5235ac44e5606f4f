//! What people type into the search: words, "phrases", -excluded words, and operators such as
//! `from:ada`.
//!
//! Every text is understood: an operator that there is none of is a plain word, one without a value
//! is not there yet, and a quotation without an end goes to the end.

use std::fmt;

/// What an operator is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    From,
    In,
    Mentions,
    Has,
    Before,
    After,
    On,
}

impl Operator {
    const ALL: [(&'static str, Self); 7] = [
        ("from", Self::From),
        ("in", Self::In),
        ("mentions", Self::Mentions),
        ("has", Self::Has),
        ("before", Self::Before),
        ("after", Self::After),
        ("on", Self::On),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }

    /// The operator that a text begins with, and what is behind its colon.
    fn split(text: &str) -> Option<(Self, &str)> {
        let (name, value) = text.split_once(':')?;
        let found = Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, operator)| (*operator, value))
    }
}

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A word or a phrase that must be there.
    Term(String),
    /// One that must not.
    Excluded(String),
    /// Something else to be fulfilled. The value is not empty.
    Operator(Operator, String),
}

/// The parts of a query, in their order. The text they are written as has the same parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Written(pub(super) Vec<Part>);

impl Written {
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (part, behind) = next(rest);
            parts.extend(part);
            rest = behind.trim_start();
        }
        Self(parts)
    }
}

/// The part that `text` begins with, and the rest.
fn next(text: &str) -> (Option<Part>, &str) {
    if let Some(negated) = text.strip_prefix('-')
        && negated.starts_with(|c: char| !c.is_whitespace())
    {
        let (value, rest) = value(negated);
        return (value.map(Part::Excluded), rest);
    }
    if let Some((operator, behind)) = Operator::split(text) {
        let (value, rest) = value(behind);
        return (value.map(|value| Part::Operator(operator, value)), rest);
    }
    let (value, rest) = value(text);
    (value.map(Part::Term), rest)
}

/// The word or quotation that `text` begins with, and the rest.
fn value(text: &str) -> (Option<String>, &str) {
    let (value, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    };
    let value = value.trim();
    ((!value.is_empty()).then(|| value.to_owned()), rest)
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            match part {
                Part::Term(text) if text.starts_with('-') || Operator::split(text).is_some() => {
                    write_quoted(f, text)?;
                }
                Part::Term(text) => write_value(f, text)?,
                Part::Excluded(text) => {
                    f.write_str("-")?;
                    write_value(f, text)?;
                }
                Part::Operator(operator, value) => {
                    write!(f, "{}:", operator.name())?;
                    write_value(f, value)?;
                }
            }
        }
        Ok(())
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if text.contains(char::is_whitespace) { write_quoted(f, text) } else { f.write_str(text) }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{text}\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn term(text: &str) -> Part {
        Part::Term(text.to_owned())
    }

    fn excluded(text: &str) -> Part {
        Part::Excluded(text.to_owned())
    }

    fn operator(operator: Operator, value: &str) -> Part {
        Part::Operator(operator, value.to_owned())
    }

    fn parsed(text: &str) -> Vec<Part> {
        Written::parse(text).0
    }

    #[test]
    fn words_phrases_and_exclusions_are_told_apart() {
        assert_eq!(
            parsed("  tea \"with milk\" -sugar -\"no spoon\" - "),
            [term("tea"), term("with milk"), excluded("sugar"), excluded("no spoon"), term("-")]
        );
    }

    #[test]
    fn operators_are_known_in_any_case_and_take_quoted_values() {
        assert_eq!(
            parsed("FROM:ada in:\"Tea Room\" has:link before:2026-11-01 mentions:me on:x after:y"),
            [
                operator(Operator::From, "ada"),
                operator(Operator::In, "Tea Room"),
                operator(Operator::Has, "link"),
                operator(Operator::Before, "2026-11-01"),
                operator(Operator::Mentions, "me"),
                operator(Operator::On, "x"),
                operator(Operator::After, "y"),
            ]
        );
    }

    #[test]
    fn what_is_no_operator_is_a_word() {
        assert_eq!(
            parsed("https://example.org \"from:ada\" -from:ada a:b"),
            [term("https://example.org"), term("from:ada"), excluded("from:ada"), term("a:b")]
        );
    }

    #[test]
    fn what_is_not_finished_yet_is_no_error() {
        assert_eq!(parsed("from: \"\" \"to the end"), [term("to the end")]);
        assert_eq!(parsed(""), []);
    }

    proptest! {
        #[test]
        fn any_text_is_understood_and_written_as_what_it_means(text in r#"\PC{0,80}"#) {
            let written = Written::parse(&text);
            prop_assert_eq!(Written::parse(&written.to_string()), written);
        }

        #[test]
        fn so_is_one_full_of_signs(text in r#"(from:|In:|has:|[-": a]|é|\u{3000}){0,24}"#) {
            let written = Written::parse(&text);
            prop_assert_eq!(Written::parse(&written.to_string()), written);
        }
    }
}
