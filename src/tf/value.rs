//! Values as Terraform has them: any of them may be null or not yet known.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use bigdecimal::num_traits::{ToPrimitive, Zero};

use super::Type;

/// One value. What it means is said by the schema beside it: an object carries its
/// attributes by position, in the order in which the schema declares them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Not set.
    Null,
    /// Known after apply.
    Unknown,
    /// A bool.
    Bool(bool),
    /// A number of any size and precision.
    Number(Number),
    /// A string. Shared, because planning copies prior values.
    String(Arc<str>),
    /// A list, a tuple, or a set; a set is sorted, so that equal sets are equal values.
    List(Vec<Value>),
    /// A map.
    Map(BTreeMap<Arc<str>, Value>),
    /// An object, its attributes in the order of its schema or type.
    Object(Vec<Value>),
    /// The value of a dynamic attribute, with the type that came with it.
    Dynamic(Box<(Type, Value)>),
}

impl Value {
    /// A set of these elements.
    pub fn set(mut elements: Vec<Value>) -> Self {
        elements.sort();
        Value::List(elements)
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// A state has no unknown values: what was left open is null.
    pub(super) fn settled(self) -> Self {
        match self {
            Value::Unknown => Value::Null,
            Value::List(all) => Value::List(all.into_iter().map(Value::settled).collect()),
            Value::Object(all) => Value::Object(all.into_iter().map(Value::settled).collect()),
            Value::Map(all) => Value::Map(all.into_iter().map(|(key, it)| (key, it.settled())).collect()),
            other => other,
        }
    }

    /// Whether it is known, with all that is in it.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Value::Unknown => false,
            Value::List(all) | Value::Object(all) => all.iter().all(Value::is_wholly_known),
            Value::Map(all) => all.values().all(Value::is_wholly_known),
            Value::Dynamic(it) => it.1.is_wholly_known(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }

    /// What is known of it: null for the rest, without the elements of which nothing is known.
    pub fn known_part(&self) -> Value {
        let known = |it: &&Value| !matches!(it, Value::Unknown);
        match self {
            Value::Unknown => Value::Null,
            Value::Object(all) => Value::Object(all.iter().map(Value::known_part).collect()),
            Value::List(all) => Value::List(all.iter().filter(known).map(Value::known_part).collect()),
            Value::Map(all) => {
                let all = all.iter().filter(|(_, it)| known(it));
                Value::Map(all.map(|(key, it)| (key.clone(), it.known_part())).collect())
            }
            other => other.clone(),
        }
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Value::String(it.into())
    }
}

/// A number. One value has one form, so that equal numbers are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Int(i64),
    /// Anything that an `i64` does not hold, without trailing zeros.
    Decimal(Box<BigDecimal>),
}

impl Ord for Form {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Form::Int(a), Form::Int(b)) => a.cmp(b),
            (a, b) => a.decimal().cmp(&b.decimal()),
        }
    }
}

impl PartialOrd for Form {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Form {
    fn decimal(&self) -> BigDecimal {
        match self {
            Form::Int(it) => BigDecimal::from(*it),
            Form::Decimal(it) => (**it).clone(),
        }
    }
}

impl Number {
    /// The number, if it is a whole one in the range.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Form::Int(it) => Some(*it),
            Form::Decimal(_) => None,
        }
    }

    /// The nearest `f64`.
    pub fn to_f64(&self) -> f64 {
        // By way of text: neither `as` nor the decimal's own conversion rounds to the nearest.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The shortest decimal that reads back as this `f64`; `None` for infinities and NaN.
    pub fn from_f64(it: f64) -> Option<Self> {
        it.is_finite().then(|| it.to_string().parse().ok()).flatten()
    }

    /// Exactly the number that the bits of this `f64` stand for.
    pub(super) fn from_f64_exact(it: f64) -> Option<Self> {
        BigDecimal::try_from(it).ok().map(Number::from)
    }
}

impl From<i64> for Number {
    fn from(it: i64) -> Self {
        Number(Form::Int(it))
    }
}

impl From<BigDecimal> for Number {
    fn from(it: BigDecimal) -> Self {
        if it.is_zero() {
            return Number(Form::Int(0));
        }
        match it.is_integer().then(|| it.to_i64()).flatten() {
            Some(int) => Number(Form::Int(int)),
            None => Number(Form::Decimal(Box::new(it.normalized()))),
        }
    }
}

impl From<Number> for BigDecimal {
    fn from(it: Number) -> Self {
        it.0.decimal()
    }
}

/// A text that is no number, or one that nobody means: more than 10,000 digits when written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub struct NotANumber;

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(int) = text.parse::<i64>() {
            return Ok(int.into());
        }
        // `1e999999999` is a few bytes here, and a gigabyte of zeros to calculate with.
        const DIGITS: usize = 10_000;
        if text.len() > DIGITS {
            return Err(NotANumber);
        }
        let decimal: BigDecimal = text.parse().map_err(|_| NotANumber)?;
        let exponent = decimal.fractional_digit_count().unsigned_abs();
        if usize::try_from(exponent).is_ok_and(|it| it <= DIGITS) {
            Ok(decimal.into())
        } else {
            Err(NotANumber)
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Int(it) => write!(f, "{it}"),
            Form::Decimal(it) => f.write_str(&it.to_plain_string()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal() {
        for (a, b) in [("1", "1.0"), ("1000", "1e3"), ("0.10", "0.1"), ("-0.0", "0"), ("2.5e-1", "0.25")] {
            assert_eq!(a.parse::<Number>(), b.parse(), "{a} and {b}");
        }
        assert_eq!(Number::from_f64(0.1), "0.1".parse().ok());
        assert_ne!(Number::from_f64_exact(0.1), "0.1".parse().ok());
    }

    #[test]
    fn no_digit_is_lost() {
        for text in
            ["9223372036854775808", "0.1", "-123456789012345678901234567890.5", "0.000000000000000000001"]
        {
            assert_eq!(text.parse::<Number>().unwrap().to_string(), text);
        }
        assert_eq!("9223372036854775807".parse::<Number>().unwrap().to_i64(), Some(i64::MAX));
    }

    #[test]
    fn a_number_is_no_bomb() {
        for text in ["1e999999999", "1e-999999999", "-1e99999999999999999999", &"9".repeat(20_000)] {
            assert_eq!(text.parse::<Number>(), Err(NotANumber));
        }
        assert!("1e400".parse::<Number>().is_ok());
    }

    #[test]
    fn sets_have_no_order() {
        assert_eq!(Value::set(vec!["b".into(), "a".into()]), Value::set(vec!["a".into(), "b".into()]));
    }
}
