//! The calls about actions.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Response, Status};

use super::{Events, Server, wire};
use crate::tf::action::Progress;
use crate::tf::plugin::catch_panic;
use crate::tf::proto::tfplugin6::invoke_action::Event;
use crate::tf::proto::tfplugin6::invoke_action::event::{Completed, Progress as Told, Type};
use crate::tf::proto::tfplugin6::*;
use crate::tf::{Diagnostic, Diagnostics, DynAction, Provider, plan};

impl<P: Provider> Server<P> {
    fn action(&self, name: &str) -> Result<Arc<dyn DynAction<P::Client>>, Status> {
        tracing::Span::current().record("tf_resource_type", name);
        let found = self.actions.get(name).cloned();
        found.ok_or_else(|| Status::invalid_argument(format!("this provider has no action {name}")))
    }

    pub(super) fn validate_action(
        &self,
        it: &validate_action_config::Request,
    ) -> Result<validate_action_config::Response, Status> {
        let action = self.action(&it.type_name)?;
        let config = wire::read(it.config.as_ref(), action.schema())?;
        let found = super::validate(action.schema(), config, |it| action.validate(it));
        Ok(validate_action_config::Response { diagnostics: wire::diagnostics(found) })
    }

    pub(super) async fn plan_action(
        &self,
        it: plan_action::Request,
    ) -> Result<plan_action::Response, Status> {
        let action = self.action(&it.action_type)?;
        let config = wire::read(it.config.as_ref(), action.schema())?;
        let config = plan::with_defaults(action.schema(), &config);
        let deferred = self.deferred(it.client_capabilities.as_ref());
        // Without a client there is nothing to look at, and nothing to say.
        let found = match self.context() {
            Ok(context) => {
                let planned = action.plan(config, &context).await;
                let mut found = planned.err().unwrap_or_default();
                found.extend(context.take_warnings());
                found
            }
            Err(_) => Diagnostics::default(),
        };
        Ok(plan_action::Response { diagnostics: wire::diagnostics(found), deferred })
    }

    pub(super) fn invoke_action(
        &self,
        it: &invoke_action::Request,
    ) -> Result<Response<Events<Event>>, Status> {
        let action = self.action(&it.action_type)?;
        let config = wire::read(it.config.as_ref(), action.schema())?;
        let config = plan::with_defaults(action.schema(), &config);
        let (events, received) = mpsc::unbounded_channel();
        let context = self.context();
        tokio::spawn(async move {
            let found = match context {
                Ok(context) => {
                    let (say, mut said) = mpsc::unbounded_channel();
                    let invoke = action.invoke(config, Progress::to(say), &context);
                    let told = async {
                        while let Some(message) = said.recv().await {
                            let told = Event { r#type: Some(Type::Progress(Told { message })) };
                            // What is under way goes on, whether the host listens or not.
                            let _ = events.send(Ok(told));
                        }
                    };
                    let (done, ()) = futures_util::join!(catch_panic(invoke), told);
                    let mut found = match done {
                        Ok(done) => done.err().unwrap_or_default(),
                        Err(panicked) => {
                            Diagnostic::error("The action ended early").detail(panicked.to_string()).into()
                        }
                    };
                    found.extend(context.take_warnings());
                    found
                }
                Err(why) => why,
            };
            let completed = Completed { diagnostics: wire::diagnostics(found) };
            let _ = events.send(Ok(Event { r#type: Some(Type::Completed(completed)) }));
        });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(received))))
    }
}
