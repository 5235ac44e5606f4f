//! How answers are written: tables for people, or one JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object a line.
    Json,
}

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// Carried out, and the answer is no: nothing of that name, not sound, not in time.
    No,
}

/// Something that is shown as a row.
pub trait Shown: Serialize {
    /// What stands above the columns.
    const HEADINGS: &'static [&'static str];

    /// What stands in them.
    fn cells(&self) -> Vec<String>;
}

/// Where answers go.
pub struct Output<'a> {
    format: Format,
    to: &'a mut (dyn Write + Send),
}

impl<'a> Output<'a> {
    /// Writes to `to`.
    pub fn new(format: Format, to: &'a mut (dyn Write + Send)) -> Self {
        Self { format, to }
    }

    /// The format and the writer, for what writes by itself.
    pub fn parts(&mut self) -> (Format, &mut (dyn Write + Send)) {
        (self.format, &mut *self.to)
    }

    /// Writes rows, or `none` for people if there are none.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn rows<T: Shown>(&mut self, rows: &[T], none: &str) -> io::Result<()> {
        if self.format == Format::Json {
            return rows.iter().try_for_each(|row| self.json(row));
        }
        if rows.is_empty() {
            return writeln!(self.to, "{none}");
        }
        let cells: Vec<_> = rows.iter().map(Shown::cells).collect();
        let headings = T::HEADINGS.iter().map(|heading| (*heading).to_owned()).collect();
        let lines: Vec<Vec<String>> = [headings].into_iter().chain(cells).collect();
        let width = |column: usize| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<_> = (0..T::HEADINGS.len()).map(|n| width(n).unwrap_or(0)).collect();
        for line in &lines {
            let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(self.to, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }

    /// Writes one answer: `text` for people.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn one<T: Serialize>(&mut self, answer: &T, text: &str) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(answer),
            Format::Table => writeln!(self.to, "{text}"),
        }
    }

    fn json<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        serde_json::to_writer(&mut *self.to, value)?;
        writeln!(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Cup(u32);

    impl Shown for Cup {
        const HEADINGS: &'static [&'static str] = &["size", "name"];

        fn cells(&self) -> Vec<String> {
            vec![self.0.to_string(), "cup".to_owned()]
        }
    }

    fn written(format: Format, rows: &[Cup]) -> String {
        let mut bytes = Vec::new();
        Output::new(format, &mut bytes).rows(rows, "no cups").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn columns_stand_below_their_headings() {
        assert_eq!(
            written(Format::Table, &[Cup(2), Cup(30_000)]),
            "size   name\n2      cup\n30000  cup\n"
        );
        assert_eq!(written(Format::Table, &[]), "no cups\n");
    }

    #[test]
    fn json_is_one_value_a_line_and_nothing_for_nothing() {
        assert_eq!(written(Format::Json, &[Cup(1), Cup(2)]), "1\n2\n");
        assert_eq!(written(Format::Json, &[]), "");
    }
}
