//! What holds of all usage: windows add up, nothing counts outside of its window, and neither order nor paging
//! matters.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Amount, Grade, Mode, Report, Sample, Source, Tally, Totals, Unit, Window, hours};
use crate::openstack::identity::Project;

/// A resource before it is looked at in a window: where it is, when it was there, and how much of it there is.
#[derive(Clone, Debug)]
struct Resource {
    id: u64,
    project: usize,
    kind: usize,
    started: i64,
    ended: Option<i64>,
    quantity: u64,
    unit: Unit,
}

const PROJECTS: [&str; 3] = ["a", "b", "c"];
const KINDS: [&str; 3] = ["", "small", "large"];

/// Microseconds around a day of 2026, and some that are far from it.
fn instants() -> impl Strategy<Value = i64> {
    const DAY: i64 = 86_400_000_000;
    const THEN: i64 = 1_774_742_400_000_000;
    prop_oneof![8 => THEN - DAY..THEN + 2 * DAY, 1 => 0..THEN, 1 => THEN..2 * THEN]
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("a time")
}

fn resources() -> impl Strategy<Value = Vec<Resource>> {
    let one = (
        any::<u64>(),
        0..PROJECTS.len(),
        0..KINDS.len(),
        instants(),
        proptest::option::of(instants()),
        prop_oneof![0..200_u64, Just(1 << 62)],
        proptest::sample::select(Unit::ALL.to_vec()),
    );
    let resource = one.prop_map(|(id, project, kind, started, ended, quantity, unit)| Resource {
        id,
        project,
        kind,
        started,
        ended,
        quantity,
        unit,
    });
    proptest::collection::vec(resource, 0..30)
}

/// Ascending times, no two the same: the borders of adjacent windows.
fn borders() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::btree_set(instants(), 2..8).prop_map(|it: BTreeSet<i64>| it.into_iter().collect())
}

fn window(start: i64, end: i64) -> Window {
    Window::new(at(start), at(end)).expect("a window")
}

fn sample(it: &Resource, window: Window) -> Sample {
    let (started_at, ended_at) = (at(it.started), it.ended.map(at));
    Sample {
        service: it.unit.service(),
        resource_id: it.id.to_string(),
        resource_name: String::new(),
        project_id: PROJECTS[it.project].into(),
        user_id: None,
        kind: KINDS[it.kind].into(),
        started_at,
        ended_at,
        overlap: window.overlap(started_at, ended_at),
        quantities: vec![(it.unit, it.quantity)],
        measured: BTreeMap::new(),
        rated: None,
        state: String::new(),
        grade: Grade::ExactExistence,
        traits: BTreeMap::new(),
        server: None,
    }
}

fn report(resources: &[Resource], window: Window) -> Report {
    let mut tally = Tally::new(window, window.end(), Source::Api, Mode::AllProjects, true);
    resources.iter().for_each(|it| tally.push(sample(it, window)));
    tally.finish()
}

fn totals(report: &Report) -> Totals {
    let mut all = Totals::default();
    report.projects.values().for_each(|it| all.merge(&it.totals));
    all
}

/// What is more than nothing.
fn amounts(totals: &Totals) -> BTreeMap<(Unit, String), Amount> {
    let amounts = totals.iter().filter(|(_, _, amount)| *amount > 0);
    amounts.map(|(unit, kind, amount)| ((unit, kind.to_owned()), amount)).collect()
}

proptest! {
    #[test]
    fn adjacent_windows_add_up(resources in resources(), borders in borders()) {
        let whole = report(&resources, window(borders[0], borders[borders.len() - 1]));
        let mut sum = Totals::default();
        for pair in borders.windows(2) {
            sum.merge(&totals(&report(&resources, window(pair[0], pair[1]))));
        }
        prop_assert_eq!(amounts(&sum), amounts(&totals(&whole)));
    }

    #[test]
    fn nothing_counts_outside_of_the_window(resources in resources(), borders in borders()) {
        let window = window(borders[0], borders[1]);
        let report = report(&resources, window);
        for it in &report.samples {
            prop_assert!(it.overlap > 0 && it.overlap <= window.micros());
            prop_assert!(it.started_at < window.end());
            prop_assert!(it.ended_at.is_none_or(|ended| ended > window.start()));
        }
        // Each resource counts for no more than the whole window, and all that is kept is what is counted.
        let kept = |it: &&Resource| window.overlap(at(it.started), it.ended.map(at)) > 0;
        prop_assert_eq!(report.samples.len(), resources.iter().filter(kept).count());
        let most = resources.iter().filter(kept).map(|it| u128::from(it.quantity) * u128::from(window.micros()));
        let most: Amount = most.sum();
        let all: Amount = amounts(&totals(&report)).values().sum();
        prop_assert!(all <= most);
    }

    #[test]
    fn neither_order_nor_paging_matters(
        (resources, shuffled) in resources().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        borders in borders(),
        page in 1..7_usize,
    ) {
        let window = window(borders[0], borders[1]);
        let (one, other) = (report(&resources, window), report(&shuffled, window));
        prop_assert_eq!(&one.projects, &other.projects);
        let ids = |it: &Report| it.samples.iter().map(|it| it.resource_id.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&one), ids(&other));
        // Read page by page, each page a tally of its own.
        let mut paged = Totals::default();
        shuffled.chunks(page).for_each(|it| paged.merge(&totals(&report(it, window))));
        prop_assert_eq!(amounts(&paged), amounts(&totals(&one)));
    }

    #[test]
    fn hours_are_the_amount_to_the_last_digit_shown(amount in 0..1_u128 << 100, unit in 0..Unit::ALL.len()) {
        let unit = Unit::ALL[unit];
        let shown = hours(unit, amount);
        let hour = bigdecimal::BigDecimal::from(u128::from(unit.base()) * 3_600_000_000);
        let off = (shown * &hour - bigdecimal::BigDecimal::from(amount)).abs();
        prop_assert!(off * 2_000_000 <= hour);
    }
}

#[test]
fn a_project_comes_with_what_keystone_knows_of_it() {
    let window = window(0, 1);
    let mut tally = Tally::new(window, window.end(), Source::Api, Mode::PerProject, false);
    let stored = r#"{"id": "a", "name": "A", "domain_id": "d", "enabled": true, "parent_id": null, "color": {"red": 1}}"#;
    let project: Project = serde_json::from_str(stored).expect("a project");
    tally.project(&project, "D");
    for project in [0, 1] {
        let resource = Resource {
            id: 1,
            project,
            kind: 0,
            started: 0,
            ended: None,
            quantity: 1,
            unit: Unit::ServerHours,
        };
        tally.push(sample(&resource, window));
    }
    let report = tally.finish();
    assert_eq!(report.projects["a"].properties["color"], r#"{"red":1}"#);
    assert_eq!(report.projects["a"].totals.of(Unit::ServerHours), 1);
    assert_eq!(report.projects["b"].totals.of(Unit::ServerHours), 1);
    assert_eq!(report.projects["b"].name, "");
    assert!(report.samples.is_empty());
}
