//! `action "tenancy_purge_project"`: deletes all that a project holds.

use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::pin_mut;
use tokio::time::{Instant, interval_at};

use crate::resources::holdings::{PATIENCE, lines};
use crate::resources::{Existing, Explain, Tenancy, check};
use crate::tf::{Action, Context, Diagnostic, Draft, Model, Progress, Result, at};

/// How often it says that it goes on.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Empties a project: deletes its servers, volumes, networks, images and whatever else it holds, in every service of
/// the catalog. The project itself stays, with its quotas, roles and tags.
///
/// A plan says what there is to delete. What a service does not let go is told at the end, and the action can be invoked
/// again. The account needs a role that may list and delete all of it, such as `admin`.
#[derive(Clone, Debug, Model)]
pub struct PurgeProject {
    /// Id of the project.
    #[tf(check(check::not_empty))]
    pub project_id: String,
    /// How long it may take, such as `10m`. By default `30m`.
    #[tf(check(|it| check::duration(it).map(drop)))]
    pub timeout: Option<String>,
}

impl Action for PurgeProject {
    const NAME: &'static str = "purge_project";
    type Client = Tenancy;

    async fn plan(config: &Draft<Self>, client: &Context<Tenancy>) -> Result<()> {
        let Some(id) = config.get(at!(Self, project_id))? else { return Ok(()) };
        client.must_exist(Existing::Project(&id), at!(Self, project_id)).await?;
        // What cannot be seen now is told when it is done.
        let Ok(inventory) = client.inventory(&id).await else { return Ok(()) };
        if !inventory.holdings.is_empty() {
            client.warn(
                Diagnostic::warning(format!("The project {id} is emptied"))
                    .detail(format!("This is deleted:{}", lines(&inventory.holdings)))
                    .at(at!(Self, project_id)),
            );
        }
        Ok(())
    }

    async fn invoke(self, progress: &Progress, client: &Context<Tenancy>) -> Result<()> {
        let Self { project_id: id, timeout } = self;
        let patience = match timeout.as_deref().map(check::duration) {
            Some(Ok(it)) => it,
            // It was checked when it was validated.
            _ => PATIENCE,
        };
        let project = client.projects().get(&id).await;
        let project = project.explain_at("Cannot purge the project", at!(Self, project_id))?;
        let inventory = client.inventory(&id).await;
        let inventory = inventory.explain_at("Cannot see what the project holds", at!(Self, project_id))?;
        progress.say(format!(
            "Project \"{}\" holds {} things{}",
            project.name,
            inventory.holdings.len(),
            lines(&inventory.holdings)
        ));
        let since = Instant::now();
        let purge = client.purge(&id, patience);
        pin_mut!(purge);
        let mut beat = interval_at(since + HEARTBEAT, HEARTBEAT);
        let purged = loop {
            let tick = beat.tick();
            pin_mut!(tick);
            match select(purge.as_mut(), tick).await {
                Either::Left((purged, _)) => break purged,
                Either::Right(_) => {
                    progress.say(format!("Still deleting after {} s", since.elapsed().as_secs()));
                }
            }
        };
        let purged = purged.explain_at("Cannot purge the project", at!(Self, project_id))?;
        progress.say(format!("Deleted {} things", purged.deleted));
        if !purged.unseen.is_empty() {
            client.warn(
                Diagnostic::warning("Not all services were asked")
                    .detail(format!("What they may hold of the project's stays:{}", lines(&purged.unseen)))
                    .at(at!(Self, project_id)),
            );
        }
        Ok(())
    }
}
