//! A report as texts, as far as somebody wants them.

use std::collections::BTreeSet;

use crate::openstack::usage::render::{self, Site};
use crate::openstack::usage::{Prices, Report};
use crate::resources::check;
use crate::tf::Model;

/// A text that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rendering {
    Csv,
    Json,
    FocusCsv,
    CloudRecords,
    IpRecords,
    StorageRecords,
}

impl Rendering {
    const ALL: [Self; 6] =
        [Self::Csv, Self::Json, Self::FocusCsv, Self::CloudRecords, Self::IpRecords, Self::StorageRecords];
    /// Those for accounting, made of single resources.
    pub const RECORDS: [Self; 3] = [Self::CloudRecords, Self::IpRecords, Self::StorageRecords];

    pub fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::FocusCsv => "focus_csv",
            Self::CloudRecords => "cloud_records",
            Self::IpRecords => "ip_records",
            Self::StorageRecords => "storage_records",
        }
    }

    /// Those that are wanted.
    pub fn wanted(written: Option<&BTreeSet<String>>) -> BTreeSet<Self> {
        match written {
            Some(words) => Self::ALL.into_iter().filter(|it| words.contains(it.word())).collect(),
            None => [Self::Csv, Self::Json].into(),
        }
    }
}

pub(super) fn check(words: &BTreeSet<String>) -> Result<(), String> {
    match words.iter().find(|word| !Rendering::ALL.iter().any(|it| it.word() == word.as_str())) {
        Some(word) => {
            Err(format!("\"{word}\" is not one of {}.", Rendering::ALL.map(Rendering::word).join(", ")))
        }
        None => Ok(()),
    }
}

/// Who bills whom, and in what.
#[derive(Clone, Debug, Model)]
pub struct Billing {
    /// Currency of all prices, by its code in ISO 4217, such as `EUR`.
    #[tf(check(check::not_empty))]
    pub currency: String,
    /// Who runs the cloud: provider, publisher and issuer of invoices in one.
    #[tf(check(check::not_empty))]
    pub provider: String,
    /// Region of the cloud. By default none is told.
    pub region: Option<String>,
    /// Id of the account that is billed. By default each project's domain.
    pub account_id: Option<String>,
    /// Name of the account that is billed. By default its id.
    pub account_name: Option<String>,
}

impl Billing {
    fn billing(self) -> render::Billing {
        let Billing { currency, provider, region, account_id, account_name } = self;
        let account = account_id.map(|id| (id.clone(), account_name.unwrap_or(id)));
        render::Billing { currency, provider, region, account }
    }
}

/// What accounting records say of a site.
#[derive(Clone, Debug, Model)]
pub struct Accounting {
    /// Name of the site, as its infrastructure's configuration database has it.
    #[tf(check(check::not_empty))]
    pub site_name: String,
    /// Name of the cloud within the site. By default the site's.
    pub compute_service: Option<String>,
    /// What the cloud is made of.
    #[tf(default = "OpenStack".to_owned())]
    pub cloud_type: String,
    /// Name of the storage system. By default the cloud's.
    pub storage_system: Option<String>,
    /// Property of a project that has the name of its virtual organisation. By default `accounting:VO`, else `VO`.
    pub vo_property: Option<String>,
    /// Virtual organisation of projects that have no such property. By default they are left out, with a remark.
    pub vo: Option<String>,
    /// Kind of the benchmark, for flavors that name none, such as `HEPscore23`. With `benchmark_value`.
    pub benchmark_type: Option<String>,
    /// Value of that benchmark for one virtual CPU.
    pub benchmark_value: Option<String>,
}

impl Accounting {
    fn site(self) -> Site {
        let Accounting {
            site_name,
            compute_service,
            cloud_type,
            storage_system,
            vo_property,
            vo,
            benchmark_type,
            benchmark_value,
        } = self;
        let compute_service = compute_service.unwrap_or_else(|| site_name.clone());
        Site {
            storage_system: storage_system.unwrap_or_else(|| compute_service.clone()),
            name: site_name,
            compute_service,
            cloud_type,
            vo_property,
            vo,
            benchmark: benchmark_type.zip(benchmark_value),
        }
    }
}

/// The texts that were wanted.
#[derive(Default)]
pub(super) struct Texts {
    pub csv: Option<String>,
    pub json: Option<String>,
    pub focus_csv: Option<String>,
    pub cloud_records: Option<String>,
    pub ip_records: Option<String>,
    pub storage_records: Option<String>,
}

impl Texts {
    /// Makes them. Samples that only accounting records needed are taken out of the report.
    pub fn of(
        report: &mut Report,
        wanted: &BTreeSet<Rendering>,
        prices: &Prices,
        billing: Option<Billing>,
        accounting: Option<Accounting>,
        detail: bool,
    ) -> Self {
        let mut texts = Self::default();
        if let Some(site) = accounting.map(Accounting::site) {
            let records = |it: Rendering, make: fn(&Report, &Site) -> String| {
                wanted.contains(&it).then(|| make(report, &site))
            };
            texts.cloud_records = records(Rendering::CloudRecords, render::cloud_records);
            texts.ip_records = records(Rendering::IpRecords, render::ip_records);
            texts.storage_records = records(Rendering::StorageRecords, render::storage_records);
            let left_out: Vec<String> = site.left_out(report).map(str::to_owned).collect();
            if !left_out.is_empty() && Rendering::RECORDS.iter().any(|it| wanted.contains(it)) {
                report.remarks.push(format!(
                    "Accounting records leave out the projects {}: nothing says which virtual organisation they work for.",
                    left_out.join(", ")
                ));
            }
        }
        if !detail {
            report.samples = Vec::new();
        }
        let billing = billing.map(Billing::billing).unwrap_or_default();
        if wanted.contains(&Rendering::Csv) {
            texts.csv = Some(render::csv(report, prices, &billing.currency));
        }
        if wanted.contains(&Rendering::Json) {
            texts.json = Some(render::json(report, prices));
        }
        if wanted.contains(&Rendering::FocusCsv) {
            texts.focus_csv = render::focus_csv(report, prices, &billing);
        }
        texts
    }
}
