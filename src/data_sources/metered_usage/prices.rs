//! Prices as users write them: `{ vcpu_hours = 0.01, volume_gib_hours = { ssd = 0.0002 } }`.

use bigdecimal::BigDecimal;

use crate::openstack::usage::{Prices, Unit};
use crate::tf::{Number, Type, Value};

/// What is wrong with prices.
pub(super) fn check(prices: &Value) -> Result<(), String> {
    read(prices).map(drop)
}

/// The prices that somebody wrote.
pub(super) fn read(prices: &Value) -> Result<Prices, String> {
    let mut all = Prices::default();
    let units = match prices {
        Value::Dynamic(it) => entries(&it.0, &it.1),
        _ => None,
    };
    for (unit, ty, value) in units.ok_or("Expected an object of units and their prices.")? {
        let unit: Unit = unit.parse().map_err(|why| format!("Expected the price of a unit: {why}."))?;
        match (value, entries(ty, value)) {
            (Value::Number(price), _) => all.set(unit, not_negative(unit, price)?),
            // As if it weren't there: a variable that has a null, say.
            (Value::Null, _) => {}
            (_, Some(kinds)) => {
                for (kind, _, value) in kinds {
                    match value {
                        Value::Number(price) => all.set_kind(unit, kind, not_negative(unit, price)?),
                        Value::Null => {}
                        _ => return Err(format!("Expected a number as the price of {unit} of {kind}.")),
                    }
                }
            }
            _ => {
                return Err(format!("Expected a number as the price of {unit}, or one for each kind of it."));
            }
        }
    }
    Ok(all)
}

/// The entries of an object or a map.
fn entries<'a>(ty: &'a Type, value: &'a Value) -> Option<Vec<(&'a str, &'a Type, &'a Value)>> {
    match (ty, value) {
        (Type::Object(types), Value::Object(values)) => {
            Some(types.iter().zip(values).map(|((name, ty), value)| (name.as_str(), ty, value)).collect())
        }
        (Type::Map(ty), Value::Map(values)) => {
            Some(values.iter().map(|(name, value)| (&**name, &**ty, value)).collect())
        }
        _ => None,
    }
}

fn not_negative(unit: Unit, price: &Number) -> Result<BigDecimal, String> {
    if *price < Number::from(0) {
        return Err(format!("Expected 0 or more as the price of {unit}; got {price}."));
    }
    Ok(price.clone().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Value {
        Value::Number(text.parse().expect("a number"))
    }

    fn object(all: &[(&str, Type, Value)]) -> Value {
        // Terraform sends attributes by name.
        let mut all = all.to_vec();
        all.sort_by(|one, other| one.0.cmp(other.0));
        let types = all.iter().map(|(name, ty, _)| ((*name).to_owned(), ty.clone())).collect();
        let values = all.into_iter().map(|(_, _, value)| value).collect();
        Value::Dynamic(Box::new((Type::Object(types), Value::Object(values))))
    }

    #[test]
    fn prices_for_all_and_by_kind() {
        let kinds = Value::Map([("ssd".into(), price("0.0002")), ("hdd".into(), Value::Null)].into());
        let written = object(&[
            ("vcpu_hours", Type::Number, price("0.01")),
            ("volume_gib_hours", Type::Map(Box::new(Type::Number)), kinds),
            ("router_hours", Type::Number, Value::Null),
        ]);
        let prices = read(&written).expect("prices");
        let of = |unit, kind| prices.of(unit, kind).map(ToString::to_string);
        assert_eq!(of(Unit::VcpuHours, "any"), Some("0.01".into()));
        assert_eq!(of(Unit::VolumeGibHours, "ssd"), Some("0.0002".into()));
        assert_eq!((of(Unit::VolumeGibHours, "hdd"), of(Unit::RouterHours, "")), (None, None));
    }

    #[test]
    fn what_is_no_price() {
        let cases = [
            (
                object(&[("vcpus", Type::Number, price("1"))]),
                "Expected the price of a unit: \"vcpus\" is not one of",
            ),
            (
                object(&[("vcpu_hours", Type::Number, price("-1"))]),
                "Expected 0 or more as the price of vcpu_hours; got -1.",
            ),
            (
                object(&[("vcpu_hours", Type::String, "1".into())]),
                "Expected a number as the price of vcpu_hours",
            ),
            (Value::from("cheap"), "Expected an object"),
        ];
        for (written, expected) in cases {
            let why = check(&written).expect_err("a mistake");
            assert!(why.starts_with(expected), "{why}");
        }
    }
}
