//! One description per metric: what is exported, what Prometheus is told of it, and the reference
//! page all come from it.
//!
//! Labels have few values, known in advance: never a user, a room, an id or an address.

use std::fmt::Write;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How many samples were not above each of some bounds.
    Histogram,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The name under which it is exported.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What it is told apart by.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

impl About {
    /// Tells the installed recorder what the metric means. Without labels it is there from here on,
    /// so that nobody has to tell "never" from "not measured".
    pub fn describe(&self) {
        let Self { name, help, labels, .. } = *self;
        match self.kind {
            Kind::Counter => describe_counter!(name, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram => describe_histogram!(name, help),
        }
        if !labels.is_empty() {
            return;
        }
        match self.kind {
            Kind::Counter => counter!(name).increment(0),
            Kind::Gauge => gauge!(name).increment(0.0),
            Kind::Histogram => drop(histogram!(name)),
        }
    }

    /// As [`describe`](Self::describe), for a counter with one label: there from here on with each
    /// of these values.
    pub fn begin(&self, values: impl IntoIterator<Item = &'static str>) {
        if let ([label], Kind::Counter) = (self.labels, self.kind) {
            for value in values {
                counter!(self.name, *label => value).increment(0);
            }
        }
    }

    fn row(&self) -> String {
        let labels: Vec<_> = self.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, help) = (self.name, self.kind.name(), self.help);
        format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", "))
    }
}

/// Declares the metrics of a part: an enum with a name for each, and their descriptions.
///
/// ```
/// hubbub_runtime::metrics! {
///     /// A metric of the kettle.
///     pub enum Metric {
///         Cups: counter "kettle_cups_total" ["size"] "Cups that were filled, by `size`.",
///     }
/// }
/// assert_eq!(Metric::Cups.name(), "kettle_cups_total");
/// ```
#[macro_export]
macro_rules! metrics {
    (
        $(#[$outer:meta])*
        pub enum $name:ident {
            $($variant:ident: $kind:ident $export:tt [$($label:literal),*] $help:literal,)+
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $(#[doc = $help] $variant,)+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [$crate::metric::About] = &[$($name::$variant.about(),)+];

            /// What is known of it.
            #[must_use]
            pub const fn about(self) -> $crate::metric::About {
                match self {
                    $(Self::$variant => $crate::metric::About {
                        name: $export,
                        kind: $crate::metrics!(@kind $kind),
                        labels: &[$($label),*],
                        help: $help,
                    },)+
                }
            }

            /// The name under which it is exported.
            #[must_use]
            pub const fn name(self) -> &'static str {
                self.about().name
            }
        }
    };
    (@kind counter) => { $crate::metric::Kind::Counter };
    (@kind gauge) => { $crate::metric::Kind::Gauge };
    (@kind histogram) => { $crate::metric::Kind::Histogram };
}

metrics! {
    /// A metric that every process has.
    pub enum Metric {
        Build: gauge "hubbub_build_info" ["version", "revision"]
            "Always 1; what runs. `revision` is `unknown` unless `HUBBUB_REVISION` was set when the program was built.",
        Started: gauge "hubbub_started_seconds" []
            "When the process started, in seconds since 1970.",
    }
}

const INTRODUCTION: &str = "\
# Metrics

This page is generated from the descriptions in the source; `make docs` writes it anew. A test scrapes
real processes and compares what they export with this list, both ways.

Every process answers `/metrics` on its admin port, in the text format of Prometheus. Labels have few
values, known in advance: never a user, a room, an id or an address. A histogram `x` is exported as
`x_bucket`, `x_sum` and `x_count`. Whatever has no label is there from the start, with 0.
";

/// The Markdown page that describes metrics, in sections.
#[must_use]
pub fn reference_page(sections: &[(&str, &[About])]) -> String {
    let mut page = INTRODUCTION.to_owned();
    for (title, metrics) in sections {
        // Writing to a String can't fail.
        let _ = write!(
            page,
            "\n## {title}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n"
        );
        page.extend(metrics.iter().map(About::row));
    }
    page
}
