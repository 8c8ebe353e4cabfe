//! Errors and warnings as Terraform shows them.

use super::Path;

/// What every function of a provider returns.
pub type Result<T, E = Diagnostics> = std::result::Result<T, E>;

/// Whether Terraform stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation went on; the user should know something.
    Warning,
}

/// One error or warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether Terraform stops.
    pub severity: Severity,
    /// One line, no full stop.
    pub summary: String,
    /// What was attempted, what was answered, what to do.
    pub detail: String,
    /// The attribute that caused it.
    pub path: Option<Path>,
}

impl Diagnostic {
    /// An error with no detail yet.
    pub fn error(summary: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Error, summary: summary.into(), detail: String::new(), path: None }
    }

    /// A warning with no detail yet.
    pub fn warning(summary: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Self::error(summary) }
    }

    /// Sets the longer text.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Sets the attribute at fault.
    pub fn at(mut self, path: impl Into<Path>) -> Self {
        self.path = Some(path.into());
        self
    }
}

/// Errors and warnings, in the order in which they came up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether one of them is an error.
    pub fn failed(&self) -> bool {
        self.0.iter().any(|it| it.severity == Severity::Error)
    }

    /// Adds one.
    pub fn push(&mut self, one: Diagnostic) {
        self.0.push(one);
    }

    /// Adds all of another's.
    pub fn extend(&mut self, others: Diagnostics) {
        self.0.extend(others.0);
    }

    /// Points those that point nowhere yet at an attribute.
    pub fn or_at(mut self, path: impl Into<Path>) -> Self {
        let path = path.into();
        for one in &mut self.0 {
            one.path.get_or_insert_with(|| path.clone());
        }
        self
    }

    /// `Err` if one of them is an error.
    pub fn into_result(self) -> Result<()> {
        if self.failed() { Err(self) } else { Ok(()) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Diagnostics(vec![one])
    }
}
