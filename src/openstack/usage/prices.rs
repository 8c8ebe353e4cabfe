//! What an hour costs, and what usage costs with it.

use std::collections::BTreeMap;

use bigdecimal::{BigDecimal, RoundingMode};

use super::amount::{Amount, Totals, Unit, hours};

/// Decimals of a cost that are kept: prices of hours are small.
const DECIMALS: i64 = 10;

/// Prices of hours, by unit and kind. There is one currency, and it isn't known here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices(BTreeMap<Unit, Price>);

/// The price of an hour of one unit.
#[derive(Clone, Debug, Default, PartialEq)]
struct Price {
    /// Of the kinds that have none of their own. `None`: those cost nothing that is known.
    other: Option<BigDecimal>,
    kinds: BTreeMap<String, BigDecimal>,
}

impl Prices {
    /// Sets the price of all kinds of a unit that have none of their own.
    pub fn set(&mut self, unit: Unit, price: BigDecimal) {
        self.0.entry(unit).or_default().other = Some(price);
    }

    /// Sets the price of one kind of a unit: of a flavor, of a volume type.
    pub fn set_kind(&mut self, unit: Unit, kind: &str, price: BigDecimal) {
        self.0.entry(unit).or_default().kinds.insert(kind.to_owned(), price);
    }

    /// Whether nothing has a price.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What an hour costs. `None`: it has no price, which is not the price 0.
    pub fn of(&self, unit: Unit, kind: &str) -> Option<&BigDecimal> {
        let price = self.0.get(&unit)?;
        price.kinds.get(kind).or(price.other.as_ref())
    }

    /// What an amount costs: the price times the hours as they are shown, so that a bill can be checked by hand.
    pub fn cost(&self, unit: Unit, kind: &str, amount: Amount) -> Option<BigDecimal> {
        Some(rounded(self.of(unit, kind)? * hours(unit, amount)))
    }

    /// What everything costs that has a price. `None` if nothing has.
    pub fn total(&self, totals: &Totals) -> Option<BigDecimal> {
        totals
            .iter()
            .filter_map(|(unit, kind, amount)| self.cost(unit, kind, amount))
            .reduce(|one, two| one + two)
    }

    /// The units and kinds that have an amount and no price.
    pub fn without<'a>(&'a self, totals: &'a Totals) -> impl Iterator<Item = (Unit, &'a str)> + 'a {
        let bare = totals.iter().filter(|(unit, kind, amount)| *amount > 0 && self.of(*unit, kind).is_none());
        bare.map(|(unit, kind, _)| (unit, kind))
    }
}

/// As a cost is shown.
pub(super) fn rounded(cost: BigDecimal) -> BigDecimal {
    cost.with_scale_round(DECIMALS, RoundingMode::HalfEven).normalized()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_its_price_or_that_of_the_unit() {
        let decimal = |text: &str| text.parse::<BigDecimal>().expect("a number");
        let mut prices = Prices::default();
        assert!(prices.is_empty());
        prices.set(Unit::VcpuHours, decimal("0.01"));
        prices.set_kind(Unit::VcpuHours, "gpu", decimal("1"));
        prices.set_kind(Unit::VolumeGibHours, "ssd", decimal("0"));
        let hour = 3_600_000_000;
        let mut totals = Totals::default();
        totals.add(Unit::VcpuHours, "m1", hour * 5);
        totals.add(Unit::VcpuHours, "gpu", hour / 2);
        totals.add(Unit::VolumeGibHours, "ssd", hour);
        totals.add(Unit::VolumeGibHours, "hdd", hour);
        totals.add(Unit::RouterHours, "", 0);
        assert_eq!(prices.total(&totals), Some(decimal("0.55")));
        assert_eq!(prices.of(Unit::VolumeGibHours, "ssd"), Some(&decimal("0")));
        assert_eq!(prices.without(&totals).collect::<Vec<_>>(), [(Unit::VolumeGibHours, "hdd")]);
        assert_eq!(Prices::default().total(&totals), None);
        // Three times a third of an hour, at what a bill shows.
        assert_eq!(prices.cost(Unit::VcpuHours, "m1", hour / 3), Some(decimal("0.00333333")));
    }
}
