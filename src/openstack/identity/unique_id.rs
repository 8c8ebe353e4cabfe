//! The id that an identity provider knows a user by, in the form in which Keystone keeps it.

use std::fmt::Write as _;

/// The form in which Keystone keeps, and compares, the unique id of a federated user.
///
/// At a login Keystone quotes what the mapping gives with Python's `urllib.parse.quote`: letters, digits and `_.-~/`
/// stay, every other byte of the UTF-8 becomes `%XX`. It does not unquote: a user that is made by the API with another
/// form is another user than the one that logs in.
pub fn stored_unique_id(unique_id: &str) -> String {
    let mut stored = String::with_capacity(unique_id.len());
    for byte in unique_id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' | b'/' => {
                stored.push(char::from(byte));
            }
            // Writing to a string does not fail.
            other => drop(write!(stored, "%{other:02X}")),
        }
    }
    stored
}

/// The unique id that has this stored form.
pub fn unique_id_of(stored: &str) -> String {
    percent_encoding::percent_decode_str(stored).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{stored_unique_id, unique_id_of};

    /// The right sides are what Python 3's `urllib.parse.quote` makes of the left ones.
    #[test]
    fn quotes_as_python_does() {
        for (given, stored) in [
            ("jane@example.org", "jane%40example.org"),
            ("0123-abc_DEF.~", "0123-abc_DEF.~"),
            ("https://idp.example/users/1", "https%3A//idp.example/users/1"),
            ("Jürgen Weiß", "J%C3%BCrgen%20Wei%C3%9F"),
            ("a+b=c&d", "a%2Bb%3Dc%26d"),
            ("100%", "100%25"),
            ("jane%40example.org", "jane%2540example.org"),
            ("\u{1f600}\n\"'()!*", "%F0%9F%98%80%0A%22%27%28%29%21%2A"),
            ("", ""),
        ] {
            assert_eq!(stored_unique_id(given), stored, "{given}");
            assert_eq!(unique_id_of(stored), given, "{stored}");
        }
    }
}
