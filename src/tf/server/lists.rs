//! The calls about list resources.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

use super::{Events, Server, lock, once, wire};
use crate::tf::list::ErasedListing;
use crate::tf::plugin::catch_panic;
use crate::tf::proto::tfplugin6::list_resource::Event;
use crate::tf::proto::tfplugin6::*;
use crate::tf::resource::Known;
use crate::tf::{Client, Context, Diagnostic, Diagnostics, DynListed, Provider, Schema, plan};

/// How many objects are read at once.
const AT_ONCE: usize = 8;

impl<P: Provider> Server<P> {
    fn listed(&self, name: &str) -> Result<Arc<dyn DynListed<P::Client>>, Status> {
        tracing::Span::current().record("tf_resource_type", name);
        let found = self.lists.get(name).cloned();
        found.ok_or_else(|| Status::invalid_argument(format!("this provider has no list resource {name}")))
    }

    pub(super) fn validate_list(
        &self,
        it: &validate_list_resource_config::Request,
    ) -> Result<validate_list_resource_config::Response, Status> {
        let listed = self.listed(&it.type_name)?;
        let filter = wire::read(it.config.as_ref(), listed.schema())?;
        let found = super::validate(listed.schema(), filter, |it| listed.calls().validate(it));
        Ok(validate_list_resource_config::Response { diagnostics: wire::diagnostics(found) })
    }

    pub(super) fn list(&self, it: list_resource::Request) -> Result<Response<Events<Event>>, Status> {
        let listed = self.listed(&it.type_name)?;
        let resource = self.managed(&it.type_name)?;
        let shapes = Shapes { object: resource.schema().clone(), identity: resource.identity().clone() };
        let filter = wire::read(it.config.as_ref(), listed.schema())?;
        let filter = plan::with_defaults(listed.schema(), &filter);
        let context = match self.context() {
            Ok(context) => context,
            Err(why) => return once(remark(why)),
        };
        let limit = usize::try_from(it.limit).ok().filter(|limit| *limit > 0);
        let running = lock(&self.running).clone();
        let (events, received) = mpsc::channel(AT_ONCE);
        tokio::spawn(async move {
            let client = context.client().clone();
            let listing = async {
                let found = match listed.calls().list(filter, &context).await {
                    Ok(found) => found,
                    Err(why) => return events.send(Ok(remark(why))).await,
                };
                let warnings = context.take_warnings();
                if !warnings.0.is_empty() {
                    events.send(Ok(remark(warnings))).await?;
                }
                let all = found.into_iter().map(|one| {
                    let call = Context::new(&client, running.clone());
                    event(one, it.include_resource_object, call, &shapes)
                });
                let mut all = stream::iter(all).buffered(AT_ONCE);
                let mut left = limit.unwrap_or(usize::MAX);
                while left > 0
                    && let Some(event) = all.next().await
                {
                    if let Some(event) = event {
                        left -= 1;
                        // The host may have seen enough.
                        events.send(Ok(event)).await?;
                    }
                }
                Ok(())
            };
            if let Err(panicked) = catch_panic(listing).await {
                let why = Diagnostic::error("The list ended early").detail(panicked.to_string());
                // The host may be gone as well.
                let _ = events.send(Ok(remark(why.into()))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(received))))
    }
}

/// How what is listed is written.
struct Shapes {
    object: Arc<Schema>,
    identity: Schema,
}

/// An event that only says something.
fn remark(why: Diagnostics) -> Event {
    Event { diagnostic: wire::diagnostics(why), ..Default::default() }
}

/// One object. `None`: it is gone since it was listed.
async fn event<C: Client>(
    one: ErasedListing<C>,
    whole: bool,
    call: Context<C>,
    shapes: &Shapes,
) -> Option<Event> {
    let ErasedListing { name: display_name, identity, load } = one;
    let identity_data = wire::write_identity(Some(&identity), &shapes.identity);
    let mut event = Event { identity: identity_data, display_name, ..Default::default() };
    if whole {
        let (found, mut said) = load(call).await;
        match found {
            Ok(Some(Known { state, identity })) => {
                event.resource_object = wire::write(&state.settled(), &shapes.object);
                event.identity = wire::write_identity(identity.as_ref(), &shapes.identity).or(event.identity);
            }
            Ok(None) => return None,
            Err(why) => said.extend(why),
        }
        event.diagnostic = wire::diagnostics(said);
    }
    Some(event)
}
