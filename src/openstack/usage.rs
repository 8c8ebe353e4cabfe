//! Metered usage: what each project had in a window of time, by the services' own word.
//!
//! All arithmetic is exact: a [`Sample`] counts whole microseconds of overlap with the [`Window`], [`Totals`] adds
//! quantity x microseconds as integers, and hours are made of them only when they are shown. So neither the order of
//! the samples nor how they were paged changes a figure, and adjacent windows add up.
//!
//! How far a figure can be trusted is said beside it: [`Grade`].

mod amount;
mod cloudkitty;
mod collect;
mod compute;
mod engine;
mod gnocchi;
mod lists;
mod object_store;
mod prices;
#[cfg(test)]
mod properties;
mod query;
pub mod render;
mod report;
mod sample;
mod table;
mod window;

pub use amount::{Amount, Totals, Unit, hours};
pub use prices::Prices;
pub use query::{Part, Query, Whose};
pub use report::{Batch, Completeness, Mode, OtherCharge, ProjectUsage, Report, Source, Tally};
pub use sample::{Grade, Sample, Server, UsageService};
pub use window::{BadWindow, Window};
