//! Sources → values, with every problem collected on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::environment::Environment;
use super::problem::{Problem, Problems};
use super::setting::{About, Fallback, Setting, variable_of};
use super::spec::{CONFIG, CONFIG_VARIABLE, Spec, file_flag_of, file_variable_of};
use super::toml_file;

/// How alike a misspelt name and a real one must be for the real one to be suggested.
const SUGGESTION_LIKENESS: f64 = 0.8;
/// Characters of a wrong value that are shown.
const SHOWN_CHARS_MAX: usize = 80;

/// Reads a binary's settings and remembers what is wrong with them.
///
/// A value that can't be used is reported and its default taken instead, so that reading goes on
/// and the next mistake is found as well; [`Reader::finish`] hands out nothing if there was one.
#[derive(Debug)]
pub struct Reader {
    known: BTreeSet<&'static str>,
    given: BTreeMap<&'static str, Given>,
    problems: Vec<Problem>,
}

/// A value as it was written, and where.
struct Given {
    text: String,
    subject: String,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.subject)
    }
}

/// The sources of one start.
struct Sources<'a> {
    flags: &'a ArgMatches,
    variables: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    path: Option<PathBuf>,
    environment: &'a dyn Environment,
}

impl Reader {
    /// Takes what the flags (of [`Spec::command`]), the environment and the files say.
    #[must_use]
    pub fn new(spec: &Spec, flags: &ArgMatches, environment: &dyn Environment) -> Self {
        let mut problems = Vec::new();
        let variables = variables(environment, &mut problems);
        let path = flags
            .get_one::<PathBuf>(CONFIG)
            .cloned()
            .or_else(|| variables.get(CONFIG_VARIABLE).map(PathBuf::from));
        let file = match &path {
            Some(path) => toml_file::read(path, environment, &mut problems),
            None => BTreeMap::new(),
        };
        let sources = Sources { flags, variables, file, path, environment };
        sources.refuse_unknown(spec, &mut problems);
        let given = spec
            .settings()
            .filter_map(|about| Some((about.name(), sources.find(about, &mut problems)?)))
            .collect();
        let known = spec.settings().map(About::name).collect();
        Self { known, given, problems }
    }

    /// Its value, or its default.
    ///
    /// # Panics
    /// The setting has no default, or is not in the [`Spec`]: a mistake in the program.
    pub fn get<T>(&mut self, setting: &Setting<T>) -> T {
        let Fallback::Value(default) = setting.about().fallback() else {
            panic!("{} has no default: use `find` or `require`", setting.about().name());
        };
        match (self.find(setting), setting.read(default)) {
            (Some(value), _) | (None, Ok(value)) => value,
            (None, Err(why)) => {
                panic!("the default of {} is not valid: {why}", setting.about().name())
            }
        }
    }

    /// Its value, if it is set and valid.
    ///
    /// # Panics
    /// The setting is not in the [`Spec`]: a mistake in the program.
    pub fn find<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let about = setting.about();
        assert!(self.known.contains(about.name()), "{} is not in the spec", about.name());
        let given = self.given.get(about.name())?;
        match setting.read(&given.text) {
            Ok(value) => Some(value),
            Err(why) => {
                let shown = if about.is_secret() {
                    String::new()
                } else {
                    format!("; it is \"{}\"", shorten(&given.text))
                };
                self.problems.push(Problem::new(given.subject.clone(), format!("{why}{shown}")));
                None
            }
        }
    }

    /// Its value. If it is not set, that is a problem; `fix` says what to do about it.
    pub fn require<T: Default>(&mut self, setting: &Setting<T>, fix: impl Display) -> T {
        if !self.is_given(setting) {
            self.problem(setting, fix);
        }
        self.find(setting).unwrap_or_default()
    }

    /// Whether any source has it, valid or not.
    #[must_use]
    pub fn is_given<T>(&self, setting: &Setting<T>) -> bool {
        self.given.contains_key(setting.about().name())
    }

    /// Reports what only shows when settings are seen together. `what` says how to fix it.
    pub fn problem<T>(&mut self, setting: &Setting<T>, what: impl Display) {
        let about = setting.about();
        let subject = match self.given.get(about.name()) {
            Some(given) => given.subject.clone(),
            None => about.variable(),
        };
        self.problems.push(Problem::new(subject, what.to_string()));
    }

    /// Hands out `settings` if nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish<T>(self, settings: T) -> Result<T, Problems> {
        match Problems::of(self.problems) {
            Some(problems) => Err(problems),
            None => Ok(settings),
        }
    }
}

impl Sources<'_> {
    fn find(&self, about: &About, problems: &mut Vec<Problem>) -> Option<Given> {
        let variable = about.variable();
        let from_flag = self
            .flag(about.name())
            .map(|text| Given { text, subject: format!("{variable} (from --{})", about.flag()) });
        let from_variable = || {
            let text = self.variables.get(&variable)?.clone();
            Some(Given { text, subject: variable.clone() })
        };
        let from_toml = || {
            let text = self.file.get(about.name()).filter(|text| !text.is_empty())?.clone();
            let path = self.path.as_deref().unwrap_or(Path::new(""));
            let subject = format!("{variable} (from {} in {})", about.name(), path.display());
            Some(Given { text, subject })
        };
        let direct = from_flag.or_else(from_variable);
        if !about.is_secret() {
            return direct.or_else(from_toml);
        }
        let path = self.secret_path(about);
        if direct.is_some() && path.is_some() {
            let file_variable = file_variable_of(about.name());
            problems.push(Problem::new(
                &variable,
                format!("set either this or {file_variable}, not both"),
            ));
        }
        direct.or_else(|| self.read_secret(about, &path?, problems)).or_else(from_toml)
    }

    fn flag(&self, name: &str) -> Option<String> {
        self.flags.get_one::<String>(name).filter(|text| !text.is_empty()).cloned()
    }

    fn secret_path(&self, about: &About) -> Option<PathBuf> {
        let from_flag = self.flags.get_one::<PathBuf>(&file_flag_of(about.name())).cloned();
        let variable = self.variables.get(&file_variable_of(about.name()));
        from_flag.or_else(|| variable.map(PathBuf::from))
    }

    fn read_secret(
        &self,
        about: &About,
        path: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<Given> {
        let subject = file_variable_of(about.name());
        let fix = match self.environment.read(path) {
            // Editors and `echo` end a file with a line break that is no part of the secret.
            Ok(text) if !text.trim().is_empty() => {
                return Some(Given { text: text.trim().to_owned(), subject });
            }
            Ok(_) => "is empty; write the value into it".to_owned(),
            Err(error) => format!("can't be read ({error}); check the path and who may read it"),
        };
        problems.push(Problem::new(subject, format!("the file {} {fix}", path.display())));
        None
    }

    fn refuse_unknown(&self, spec: &Spec, problems: &mut Vec<Problem>) {
        for (name, value) in &self.variables {
            if let Some(text) = unknown_variable(spec, name, value) {
                problems.push(Problem::new(name, text));
            }
        }
        let subject = self.path.as_deref().unwrap_or(Path::new("")).display().to_string();
        for key in self.file.keys() {
            if !spec.settings().any(|about| about.name() == key) && !spec.tolerates(key) {
                let names = spec.settings().map(|about| about.name().to_owned());
                let text = format!("there is no setting {key}{}", suggestion(key, names));
                problems.push(Problem::new(&subject, text));
            }
        }
    }
}

/// The variables that concern Hubbub. An empty one counts as not set: that is how Compose files and
/// shells pass on what is not there.
fn variables(
    environment: &dyn Environment,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in environment.variables() {
        let Ok(name) = name.into_string() else { continue };
        if !name.starts_with("HUBBUB_") {
            continue;
        }
        match value.into_string() {
            Ok(value) if value.is_empty() => {}
            Ok(value) => {
                variables.insert(name, value);
            }
            Err(_) => problems.push(Problem::new(name, "is not UTF-8; write it as UTF-8 text")),
        }
    }
    variables
}

fn unknown_variable(spec: &Spec, name: &str, value: &str) -> Option<String> {
    let is = |about: &str| name == variable_of(about);
    let is_file = |about: &str| name == file_variable_of(about);
    if name == CONFIG_VARIABLE || name.starts_with("HUBBUB_TEST_") || is_service_link(name, value) {
        return None;
    }
    if let Some(about) = spec.settings().find(|about| is(about.name()) || is_file(about.name())) {
        let known = is(about.name()) || about.is_secret();
        return (!known).then(|| {
            format!("only a secret can come from a file of its own; use {}", about.variable())
        });
    }
    let key = name.trim_start_matches("HUBBUB_").to_lowercase();
    if spec.tolerates(&key) || key.strip_suffix("_file").is_some_and(|key| spec.tolerates(key)) {
        return None;
    }
    let known = spec.settings().map(About::variable);
    let text = suggestion(name, known.chain([CONFIG_VARIABLE.to_owned()]));
    Some(format!("there is no such setting{text}"))
}

/// Whether Kubernetes made this variable for a Service whose name starts with `hubbub`
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
fn is_service_link(name: &str, value: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || (name.ends_with("_PORT") && value.contains("://"))
}

fn suggestion(wrong: &str, known: impl Iterator<Item = String>) -> String {
    known
        .map(|right| (strsim::jaro_winkler(wrong, &right), right))
        .filter(|(likeness, _)| *likeness >= SUGGESTION_LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or_else(
            || "; see --help for those there are".to_owned(),
            |(_, right)| format!("; did you mean {right}?"),
        )
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
