//! The users that Terraform logs in as.

use std::fs;
use std::iter::repeat_with;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, text_at};

/// Whose account a scenario uses.
///
/// Most share one, which stays for later runs: a role that anybody gets makes Keystone forget what it knows of all users.
/// But a role that an account loses ends its tokens: who gives it some has one for himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That of all scenarios.
    Everyones,
    /// One that only this scenario uses, and that goes with it.
    Own,
}

/// An administrator of everything.
#[derive(Clone, Deserialize, Serialize)]
pub struct Account {
    /// Id of the user.
    pub id: String,
    /// Name of the user, who is in the domain Default.
    pub name: String,
    /// The password.
    pub password: String,
}

impl Account {
    /// The one that is noted in the directory, if the cloud still knows it. Otherwise it is made.
    pub(crate) fn everyones(cloud: &Cloud, directory: &Path) -> Result<Self> {
        static CHECKED: Mutex<Option<Account>> = Mutex::new(None);
        let mut checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = &*checked {
            return Ok(account.clone());
        }
        let note = directory.join("account.json");
        let noted = fs::read(&note).ok().and_then(|it| serde_json::from_slice::<Account>(&it).ok());
        let account = match noted {
            Some(account) if cloud.knows(&account.name, &account.password)? => account,
            _ => {
                let account = Account::make(cloud, &format!("acceptance-{}", random(6).to_lowercase()))?;
                fs::write(&note, serde_json::to_vec(&account)?)?;
                account
            }
        };
        Ok(checked.insert(account).clone())
    }

    /// A new one, whose name starts with the prefix.
    pub(crate) fn make(cloud: &Cloud, prefix: &str) -> Result<Self> {
        let (name, password) = (format!("{prefix}-account"), random(24));
        let id = cloud.make_user(&name, &password)?;
        let project = text_at(
            &cloud.ask("GET identity /projects?name=admin&domain_id=default", None)?,
            "/projects/0/id",
        )?;
        let project = format!("/projects/{project}");
        cloud.grant(&id, "admin", &project)?;
        cloud.grant(&id, "admin", "/system")?;
        if cloud.has("swift") {
            // For Swift, the administrator of one project is nobody in another.
            cloud.grant(&id, "ResellerAdmin", &project)?;
        }
        Ok(Account { id, name, password })
    }
}

/// Letters and digits that nobody guesses.
pub(crate) fn random(length: usize) -> String {
    repeat_with(fastrand::alphanumeric).take(length).collect()
}
