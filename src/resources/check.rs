//! What Keystone accepts: checked at `validate`, where the user still has the line before their eyes.
//!
//! Limits are those of Keystone's schemas: names of domains, projects and groups have 1 to 64
//! characters, tags 1 to 255, and a project at most 80 of them.

#![allow(clippy::ptr_arg, reason = "a check takes the attribute's own type")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::openstack::identity::stored_unique_id;

type Checked = Result<(), String>;

fn length(text: &str, most: usize) -> Checked {
    let length = text.chars().count();
    if (1..=most).contains(&length) {
        Ok(())
    } else {
        Err(format!("Expected 1 to {most} characters; got {length}."))
    }
}

/// Keystone strips blanks, and the plan would never settle.
fn no_blanks_at_the_ends(text: &str) -> Checked {
    if text.trim() == text {
        Ok(())
    } else {
        Err(format!("\"{text}\" starts or ends with a blank, which Keystone removes."))
    }
}

/// The name of a project or a group.
pub fn name(text: &String) -> Checked {
    length(text, 64)?;
    no_blanks_at_the_ends(text)
}

/// The name of a user.
pub fn user_name(text: &String) -> Checked {
    length(text, 255)?;
    no_blanks_at_the_ends(text)
}

/// The unique id of a federated user. Its stored form is what has a limit.
pub fn unique_id(text: &String) -> Checked {
    let stored = stored_unique_id(text);
    length(&stored, 255).map_err(|why| format!("As Keystone stores it (\"{stored}\"): {why}"))
}

/// The name of a domain. Keystone keeps `Federated` for itself, and answers 500 to it.
pub fn domain_name(text: &String) -> Checked {
    name(text)?;
    if text.eq_ignore_ascii_case("federated") {
        return Err("Keystone reserves the domain name \"Federated\".".to_owned());
    }
    Ok(())
}

/// A duration as Terraform's users write one: `90s`, `1m 30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<jiff::SignedDuration> = text.parse().ok();
    let parsed = parsed.and_then(|it| Duration::try_from(it).ok()).filter(|it| !it.is_zero());
    parsed.ok_or_else(|| format!("Expected a duration such as \"90s\"; got \"{text}\"."))
}

/// The tags of a domain or a project.
pub fn tags(all: &BTreeSet<String>) -> Checked {
    if all.len() > 80 {
        return Err(format!("Expected at most 80 tags; got {}.", all.len()));
    }
    let mut folded = BTreeSet::new();
    for tag in all {
        length(tag, 255).map_err(|why| format!("Tag \"{tag}\": {why}"))?;
        no_blanks_at_the_ends(tag)?;
        if let Some(found) = tag.chars().find(|it| matches!(it, '/' | ',')) {
            return Err(format!("Tag \"{tag}\" has a \"{found}\", which Keystone does not allow."));
        }
        if !folded.insert(tag.to_lowercase()) {
            return Err(format!("Tag \"{tag}\" is there twice: MariaDB and MySQL do not tell case apart."));
        }
    }
    Ok(())
}

/// Keys that Keystone has a meaning for are attributes, not properties.
pub fn properties(all: &BTreeMap<String, String>) -> Checked {
    const RESERVED: &[&str] = &[
        "description",
        "domain_id",
        "enabled",
        "extra",
        "id",
        "is_domain",
        "links",
        "name",
        "options",
        "parent_id",
        "tags",
        "terraform_tenancy_origin",
    ];
    match all.keys().find(|key| key.is_empty() || RESERVED.contains(&key.as_str())) {
        Some(key) => Err(format!("\"{key}\" cannot be a property: Keystone has a meaning for it.")),
        None => Ok(()),
    }
}

/// An id or a name that is not empty.
pub fn not_empty(text: &String) -> Checked {
    if text.trim().is_empty() { Err("Expected something; got an empty text.".to_owned()) } else { Ok(()) }
}

/// Ids or names of which none is empty.
pub fn not_empty_each(all: &BTreeSet<String>) -> Checked {
    all.iter().try_for_each(not_empty)
}

/// An id that is chosen: of an identity provider, a mapping, a protocol. It becomes part of URLs.
pub fn chosen_id(text: &String) -> Checked {
    length(text, 64)?;
    // MariaDB passes over blanks at the end.
    if text.trim() != text {
        return Err(format!("\"{text}\" starts or ends with a blank."));
    }
    if matches!(text.as_str(), "." | "..") || text.chars().any(|it| it == '/' || it.is_control()) {
        return Err(format!("\"{text}\" cannot be part of a URL's path: it may not have a \"/\"."));
    }
    Ok(())
}

/// How an identity provider calls itself. Keystone's column holds 255 characters.
pub fn remote_ids(all: &BTreeSet<String>) -> Checked {
    let mut folded = BTreeSet::new();
    for id in all {
        length(id, 255).map_err(|why| format!("\"{id}\": {why}"))?;
        if !folded.insert(id.to_lowercase()) {
            return Err(format!("\"{id}\" is there twice: MariaDB and MySQL do not tell case apart."));
        }
    }
    Ok(())
}

/// Minutes, as Keystone's column holds them.
pub fn minutes(count: &i64) -> Checked {
    if (0..=i64::from(i32::MAX)).contains(count) {
        Ok(())
    } else {
        Err(format!("Expected 0 to {} minutes; got {count}.", i32::MAX))
    }
}

/// Roles by name or id.
pub fn roles(all: &BTreeSet<String>) -> Checked {
    not_empty_each(all)
}

/// Names of users: 1 to 255 characters.
pub fn members(all: &BTreeSet<String>) -> Checked {
    all.iter().try_for_each(|name| user_name(name).map_err(|why| format!("\"{name}\": {why}")))
}

/// A limit. -1 is unlimited.
pub fn limit(it: &i64) -> Checked {
    if *it >= -1 { Ok(()) } else { Err(format!("Expected -1 (unlimited), 0 or more; got {it}.")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn names() {
        for good in ["a", "Zürich", &"ä".repeat(64)] {
            assert_eq!(name(&good.to_owned()), Ok(()), "{good}");
        }
        for bad in ["", " a", "a ", &"a".repeat(65)] {
            assert!(name(&bad.to_owned()).is_err(), "{bad:?}");
        }
        assert!(domain_name(&"FEDERATED".to_owned()).is_err());
    }

    #[test]
    fn ids_that_are_chosen() {
        for good in ["aad", "https:example.org", "ä b", &"a".repeat(64)] {
            assert_eq!(chosen_id(&good.to_owned()), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "a/b", " a", "a ", "a\nb", &"a".repeat(65)] {
            assert!(chosen_id(&bad.to_owned()).is_err(), "{bad:?}");
        }
        assert_eq!(remote_ids(&set(&["https://a.example", &"b".repeat(255)])), Ok(()));
        for bad in [set(&[""]), set(&["a", "A"]), set(&[&"b".repeat(256)])] {
            assert!(remote_ids(&bad).is_err(), "{bad:?}");
        }
        assert_eq!([minutes(&0), minutes(&2_147_483_647)], [Ok(()), Ok(())]);
        assert!(minutes(&-1).is_err() && minutes(&2_147_483_648).is_err());
    }

    #[test]
    fn tags_as_keystone_takes_them() {
        assert_eq!(tags(&set(&["prod", "vo:äß=1"])), Ok(()));
        let many: BTreeSet<_> = (0..81).map(|it| it.to_string()).collect();
        for bad in [set(&["a/b"]), set(&["a,b"]), set(&[""]), set(&["a", "A"]), set(&[" a"]), many] {
            assert!(tags(&bad).is_err(), "{bad:?}");
        }
    }
}
