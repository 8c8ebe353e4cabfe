//! What a project still holds, and what its `on_destroy` makes of that.

use std::fmt::Display;
use std::time::Duration;

use super::tenant_project::{OnDestroy, TenantProject};
use super::{Explain, Tenancy, diagnostic};
use crate::openstack::inventory::{Inventory, Unseen};
use crate::tf::{Context, Diagnostic, Result, at};

/// How long a purge may take. Load balancers and volumes need minutes to go; a hung one must not hang the apply.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How many things a message names.
const SHOWN: usize = 20;

/// Lines for a message; of many only the first ones.
pub(crate) fn lines<T: Display>(all: &[T]) -> String {
    let mut text: String = all.iter().take(SHOWN).map(|it| format!("\n- {it}")).collect();
    if all.len() > SHOWN {
        text.push_str(&format!("\n- and {} more", all.len() - SHOWN));
    }
    text
}

/// Says in a destroy plan what goes with the project, or stands in the way. A plan does not fail for it: the
/// same apply may destroy it first.
pub(super) async fn announce(state: &TenantProject, id: &str, client: &Context<Tenancy>) {
    let summary = match state.on_destroy {
        OnDestroy::Keep | OnDestroy::Disable => return,
        OnDestroy::RefuseIfNotEmpty => "is not empty; the destroy will be refused unless it is by then",
        OnDestroy::Purge => "is deleted with all that it holds",
        OnDestroy::Delete => "is deleted; what it holds stays behind, as orphans",
    };
    // What cannot be seen now is told by the apply, which has to see it.
    let Ok(Inventory { mut holdings, .. }) = client.inventory(id).await else { return };
    // A project below this one may be going as well, and before it.
    holdings.retain(|it| !client.is_leaving(&it.id));
    if !holdings.is_empty() {
        client.warn(
            Diagnostic::warning(format!("The project \"{}\" {summary}", state.name))
                .detail(format!("It holds now:{}", lines(&holdings)))
                .at(at!(TenantProject, on_destroy)),
        );
    }
}

/// Fails if the project holds anything, or if a service did not let us look.
pub(super) async fn refuse_unless_empty(
    state: &TenantProject,
    id: &str,
    client: &Context<Tenancy>,
) -> Result<()> {
    let Inventory { holdings, unseen } =
        client.inventory(id).await.explain("Cannot see what the project holds")?;
    if !holdings.is_empty() {
        return Err(Diagnostic::error(format!("The project \"{}\" is not empty", state.name))
            .detail(format!(
                "It holds:{}\n\nNothing was deleted. Remove these things, or set `on_destroy = \"purge\"` to delete them with \
                 the project, and apply that before the destroy.",
                lines(&holdings)
            ))
            .at(at!(TenantProject, on_destroy))
            .into());
    }
    let (unasked, silent): (Vec<_>, Vec<_>) = unseen.into_iter().partition(|it| it.unasked);
    if !silent.is_empty() {
        return Err(Diagnostic::error(format!("Cannot tell whether the project \"{}\" is empty", state.name))
            .detail(format!(
                "These services did not say what the project holds:{}\n\nNothing was deleted. Use an account that may look, \
                 or set `on_destroy = \"delete\"` to delete the project all the same, and apply that before the destroy.",
                lines(&silent)
            ))
            .at(at!(TenantProject, on_destroy))
            .into());
    }
    warn_of(&unasked, state, client);
    Ok(())
}

/// Deletes what the project holds.
pub(super) async fn purge(state: &TenantProject, id: &str, client: &Context<Tenancy>) -> Result<()> {
    let purged = client.purge(id, PATIENCE).await;
    let purged = purged.explain_at("Cannot purge the project", at!(TenantProject, on_destroy))?;
    warn_of(&purged.unseen, state, client);
    Ok(())
}

/// Says what is left without an owner. Nothing here stops the deletion that the user asked for.
pub(super) async fn announce_orphans(state: &TenantProject, id: &str, client: &Context<Tenancy>) {
    let at = at!(TenantProject, on_destroy);
    match client.inventory(id).await {
        Ok(Inventory { holdings, unseen }) => {
            if !holdings.is_empty() {
                client.warn(
                    Diagnostic::warning(format!("The project \"{}\" leaves orphans behind", state.name))
                        .detail(format!(
                            "It was to be deleted with `on_destroy = \"delete\"`. Still there, without a project:{}",
                            lines(&holdings)
                        ))
                        .at(at),
                );
            }
            warn_of(&unseen, state, client);
        }
        Err(error) => {
            let mut told = diagnostic("Cannot see what the project leaves behind", error).at(at);
            told.severity = crate::tf::Severity::Warning;
            client.warn(told);
        }
    }
}

/// Services of which nobody knows what they still have of the project's.
fn warn_of(unseen: &[Unseen], state: &TenantProject, client: &Context<Tenancy>) {
    if !unseen.is_empty() {
        client.warn(
            Diagnostic::warning(format!("Not all services were asked about the project \"{}\"", state.name))
                .detail(format!("What they may still hold of the project's stays behind:{}", lines(unseen)))
                .at(at!(TenantProject, on_destroy)),
        );
    }
}
