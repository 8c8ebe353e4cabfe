//! `action "tenancy_revoke_user"`: takes away all that a user may do, at once.

use crate::openstack::Error;
use crate::openstack::identity::{Access, Grant, UserChange};
use crate::resources::{Explain, Tenancy, check, diagnostic};
use crate::tf::{Action, Context, Diagnostic, Diagnostics, Draft, Model, Progress, Result, at};

/// Takes away all that a user may do: roles, memberships in groups, application credentials, EC2 credentials, trusts
/// given and received, and every token that is out. The user stays.
///
/// For somebody who leaves, or an account in the wrong hands: it does not matter what gave the access, Terraform or
/// somebody else. A resource that gives the access gives it again with the next apply, so take it away there as well. A
/// password and identities at identity providers stay: with `disable` nobody logs in by them any more. Memberships that a
/// login gave for a while (expiring ones) cannot be taken away; without `disable` they hold until they end.
#[derive(Clone, Debug, Model)]
pub struct RevokeUser {
    /// Id of the user.
    #[tf(check(check::not_empty))]
    pub user_id: String,
    /// Whether the user is disabled as well, and stays so. By default an enabled user stays enabled: disabled for a moment
    /// only, since that is how Keystone revokes all tokens of a user.
    pub disable: Option<bool>,
}

impl Action for RevokeUser {
    const NAME: &'static str = "revoke_user";
    type Client = Tenancy;

    async fn plan(config: &Draft<Self>, client: &Context<Tenancy>) -> Result<()> {
        let Some(id) = config.get(at!(Self, user_id))? else { return Ok(()) };
        refuse_own(&id, client).await?;
        let user = client.users().get_opt(&id).await.explain("Cannot read the user")?;
        let Some(user) = user else {
            // The very apply that invokes this may make the user.
            return Ok(());
        };
        let access = client.access_of(&id).await.explain("Cannot see what the user may do")?;
        let all: String = lines(&access).map(|it| format!("\n- {it}")).collect();
        if !all.is_empty() {
            client.warn(
                Diagnostic::warning(format!("The user \"{}\" loses all access", user.name))
                    .detail(format!("This is taken away, with every token:{all}"))
                    .at(at!(Self, user_id)),
            );
        }
        Ok(())
    }

    async fn invoke(self, progress: &Progress, client: &Context<Tenancy>) -> Result<()> {
        let Self { user_id: id, disable } = self;
        refuse_own(&id, client).await?;
        let user = client.users().get(&id).await;
        let user = user.explain_at("Cannot read the user", at!(Self, user_id))?;
        const UNSEEN: &str = "Cannot see what the user may do";
        // An account that may not look changes nothing.
        client.access_of(&id).await.explain_at(UNSEEN, at!(Self, user_id))?;
        let mut work = Work { progress, found: Diagnostics::default(), client };
        // Before the look that counts, so that nobody makes more of it meanwhile.
        let off = UserChange { enabled: Some(false), ..Default::default() };
        let disabled = client.users().update(&id, &off).await;
        work.note(format!("tokens of {}", user.name), disabled.map(drop));
        match client.access_of(&id).await {
            Ok(access) => work.take(&id, access).await,
            Err(error) => work.found.push(diagnostic(UNSEEN, error).at(at!(Self, user_id))),
        }
        if user.enabled && disable != Some(true) {
            let on = UserChange { enabled: Some(true), ..Default::default() };
            if let Err(error) = client.users().update(&id, &on).await {
                let told = diagnostic(format!("The user \"{}\" stays disabled", user.name), error);
                work.found.push(told.at(at!(Self, user_id)));
            }
        }
        if let Ok(left) = client.access_of(&id).await
            && work.found.0.is_empty()
        {
            for group in left.groups {
                client.warn(
                    Diagnostic::warning(format!("The membership in the group \"{}\" expires by itself", group.name))
                        .detail(
                            "A login gave it, and Keystone takes none of these away. It ends after the identity provider's \
                             `authorization_ttl`.",
                        )
                        .at(at!(Self, user_id)),
                );
            }
        }
        work.found.into_result()
    }
}

/// Refuses to take everything from the account of this very provider.
async fn refuse_own(id: &str, client: &Tenancy) -> Result<()> {
    let login = client.login().await.explain("Cannot tell whose account this is")?;
    if login.user_id != id {
        return Ok(());
    }
    Err(Diagnostic::error("This is the account that Terraform uses")
        .detail(format!(
            "The user {id} is the one that this provider is logged in as. Log in as somebody else."
        ))
        .at(at!(RevokeUser, user_id))
        .into())
}

/// What is to be taken away, in words.
fn lines(access: &Access) -> impl Iterator<Item = String> + '_ {
    let Access { grants, groups, application_credentials, ec2_credentials, trusts } = access;
    let grants = grants.iter().map(grant);
    let groups = groups.iter().map(|it| format!("membership in the group {}", it.name));
    let credentials = application_credentials.iter().map(|it| format!("application credential {}", it.name));
    let ec2 = ec2_credentials.iter().map(|it| format!("EC2 credential {it}"));
    grants.chain(groups).chain(credentials).chain(ec2).chain(trusts.iter().map(|it| format!("trust {it}")))
}

fn grant(it: &Grant) -> String {
    let below = if it.inherited { ", inherited" } else { "" };
    format!("role {} on {}{below}", it.role_id, it.scope)
}

/// What is done; each failure is told, none stops the others.
struct Work<'a> {
    progress: &'a Progress,
    found: Diagnostics,
    client: &'a Context<Tenancy>,
}

impl Work<'_> {
    fn note(&mut self, what: String, result: Result<(), Error>) {
        match result {
            Ok(()) => self.progress.say(format!("Revoked: {what}")),
            Err(error) => {
                let told = diagnostic(format!("Cannot revoke: {what}"), error);
                self.found.push(told.at(at!(RevokeUser, user_id)));
            }
        }
    }

    async fn take(&mut self, user_id: &str, access: Access) {
        let client = self.client;
        let Access { grants, groups, application_credentials, ec2_credentials, trusts } = access;
        for it in application_credentials {
            let result = client.application_credentials().delete(user_id, &it.id).await;
            self.note(format!("application credential {}", it.name), result);
        }
        for id in ec2_credentials {
            let result = client.delete_credential(&id).await;
            self.note(format!("EC2 credential {id}"), result);
        }
        for id in trusts {
            let result = client.delete_trust(&id).await;
            self.note(format!("trust {id}"), result);
        }
        for it in groups {
            let result = client.groups().remove_member(&it.id, user_id).await;
            self.note(format!("membership in the group {}", it.name), result);
        }
        for it in grants {
            let result = client.grants().remove(&it).await;
            self.note(grant(&it), result);
        }
    }
}
