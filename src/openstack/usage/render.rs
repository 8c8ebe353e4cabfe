//! A report as text: for spreadsheets, programs, billing and accounting.
//!
//! The same report gives the same text. Nothing in it depends on when it was made, unless the report itself says so.

mod cloud_records;
mod csv;
mod focus;
mod ip_records;
mod json;
mod storage_records;

pub use self::cloud_records::cloud_records;
pub use self::csv::csv;
pub use self::focus::{Billing, focus_csv};
pub use self::ip_records::ip_records;
pub use self::json::json;
pub use self::storage_records::storage_records;

use std::borrow::Cow;

use bigdecimal::BigDecimal;

use super::{ProjectUsage, Report};

/// Where a virtual organisation's name is kept in a project, unless another key is given: EGI's, then the one that
/// cASO looks for by default.
const VO_KEYS: [&str; 2] = ["accounting:VO", "VO"];

/// What accounting records say of a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// The site's name in the configuration database of its infrastructure.
    pub name: String,
    /// The name of the cloud within the site.
    pub compute_service: String,
    /// What the cloud is made of: `OpenStack`.
    pub cloud_type: String,
    /// The name of the storage system. cASO sends the name of the cloud.
    pub storage_system: String,
    /// The project's property that has the name of its virtual organisation. `None`: `accounting:VO`, or `VO`.
    pub vo_property: Option<String>,
    /// The virtual organisation of projects that have no such property. `None`: they are left out.
    pub vo: Option<String>,
    /// The kind of benchmark and its value, for flavors that name none.
    pub benchmark: Option<(String, String)>,
}

impl Site {
    /// The virtual organisation that a project works for.
    fn vo<'a>(&'a self, project: &'a ProjectUsage) -> Option<&'a str> {
        let has = |key: &str| project.properties.get(key).map(String::as_str).filter(|it| !it.is_empty());
        let own = match &self.vo_property {
            Some(key) => has(key),
            None => VO_KEYS.into_iter().find_map(has),
        };
        own.or(self.vo.as_deref())
    }

    /// The projects with samples that accounting records leave out, because nothing says which virtual organisation
    /// they work for. cASO fails on those.
    pub fn left_out<'a>(&'a self, report: &'a Report) -> impl Iterator<Item = &'a str> + 'a {
        let bare = report.projects.iter().filter(|(id, project)| {
            self.vo(project).is_none() && report.samples.iter().any(|sample| sample.project_id == **id)
        });
        bare.map(|(id, _)| id.as_str())
    }
}

/// A decimal as everybody reads it: without exponent, and without zeros at its end.
fn plain(number: &BigDecimal) -> String {
    number.normalized().to_plain_string()
}

/// In one line, and in the characters that APEL takes. A line more would be a field more.
fn ascii(text: &str) -> Cow<'_, str> {
    if text.chars().all(|it| it.is_ascii() && !it.is_ascii_control()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|it| it.is_ascii() && !it.is_ascii_control()).collect())
}

#[cfg(test)]
pub(super) mod tests;
