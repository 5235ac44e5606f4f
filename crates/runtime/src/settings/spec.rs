//! All settings of a binary, and its command line.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

use super::setting::{About, Fallback, flag_of, variable_of};

pub(super) const CONFIG: &str = "config";
pub(super) const CONFIG_VARIABLE: &str = "HUBBUB_CONFIG";

/// Every setting a binary has, in the order they are shown.
#[derive(Debug, Clone)]
pub struct Spec {
    program: &'static str,
    about: &'static str,
    sections: Vec<Section>,
    tolerated: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) settings: Vec<About>,
}

/// The clap id of the flag that names a secret's file.
pub(super) fn file_flag_of(name: &str) -> String {
    flag_of(name) + "-file"
}

pub(super) fn file_variable_of(name: &str) -> String {
    variable_of(name) + "_FILE"
}

impl Spec {
    /// No settings yet. `about` is one line that says what the program does.
    #[must_use]
    pub const fn new(program: &'static str, about: &'static str) -> Self {
        Self { program, about, sections: Vec::new(), tolerated: Vec::new() }
    }

    /// With these settings under this title.
    #[must_use]
    pub fn section(
        mut self,
        title: &'static str,
        settings: impl IntoIterator<Item = About>,
    ) -> Self {
        self.sections.push(Section { title, settings: settings.into_iter().collect() });
        self
    }

    /// Says nothing about settings of these names: they belong to another binary of the same
    /// deployment, and one environment or TOML file may serve both.
    #[must_use]
    pub fn tolerating(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.tolerated.extend(names);
        self
    }

    /// The binary's name.
    #[must_use]
    pub const fn program(&self) -> &'static str {
        self.program
    }

    /// What the binary does, in a line.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        self.about
    }

    pub(super) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Every setting.
    pub fn settings(&self) -> impl Iterator<Item = &About> {
        self.sections.iter().flat_map(|section| &section.settings)
    }

    /// Names that may be in the environment or the TOML file without meaning anything here.
    pub(super) fn tolerates(&self, name: &str) -> bool {
        self.tolerated.contains(&name)
    }

    /// The command line: a flag for every setting, and `--config`. The flags are accepted before
    /// and after a subcommand, which the caller may add.
    #[must_use]
    pub fn command(&self) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("PATH")
            .value_parser(value_parser!(PathBuf))
            .global(true)
            .help(format!("TOML file with settings [env: {CONFIG_VARIABLE}]"));
        let command = Command::new(self.program)
            .about(self.about)
            .version(env!("CARGO_PKG_VERSION"))
            .arg(config);
        self.sections.iter().fold(command, |command, section| {
            let flags = section.settings.iter().flat_map(flags_of);
            command.args(flags.map(|flag| flag.help_heading(section.title)))
        })
    }
}

fn flags_of(about: &About) -> Vec<Arg> {
    let fallback = match about.fallback() {
        Fallback::Value(text) => format!("[default: {text}]"),
        Fallback::Computed(how) => format!("[default: {how}]"),
        Fallback::Unset => "[default: not set]".to_owned(),
    };
    let flag = Arg::new(about.name())
        .long(about.flag())
        .value_name("VALUE")
        .action(ArgAction::Set)
        .global(true)
        .help(format!(
            "{}\n{} [env: {}] {fallback}",
            about.help(),
            about.accepts(),
            about.variable()
        ));
    if !about.is_secret() {
        return vec![flag];
    }
    let file = Arg::new(file_flag_of(about.name()))
        .long(file_flag_of(about.name()))
        .value_name("PATH")
        .value_parser(value_parser!(PathBuf))
        .global(true)
        .help(format!(
            "File that holds the value of --{} [env: {}]",
            about.flag(),
            file_variable_of(about.name())
        ));
    vec![flag, file]
}
