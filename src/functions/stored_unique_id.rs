//! `stored_unique_id`: a federated user's unique id as Keystone keeps it.

use crate::openstack::identity::stored_unique_id;
use crate::tf::{Function, Model, Refused};

/// The form in which Keystone keeps the unique id of a federated user.
///
/// At a login Keystone quotes the id that the identity provider gives: letters, digits and `_`, `.`, `-`, `~`, `/`
/// stay, every other byte of its UTF-8 form becomes `%` and two hexadecimal digits. `jane@example.org` is kept as
/// `jane%40example.org`. The form is needed wherever such an id is compared with what Keystone's API answers.
#[derive(Debug, Model)]
pub struct StoredUniqueId {
    /// Unique id as the identity provider gives it, not quoted.
    unique_id: String,
}

impl Function for StoredUniqueId {
    const NAME: &'static str = "stored_unique_id";
    type Output = String;

    fn call(self) -> Result<String, Refused> {
        Ok(stored_unique_id(&self.unique_id))
    }
}
