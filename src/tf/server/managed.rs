//! The calls about managed resources.

use std::borrow::Cow;

use tonic::Status;

use super::moves::{self, is_moved};
use super::{Entry, Server, wire};
use crate::tf::proto::tfplugin6::{self as pb, *};
use crate::tf::resource::{ErasedChange, Known, Wanted};
use crate::tf::{
    Attributes, Context, Diagnostic, Diagnostics, Failure, Provider, Severity, Value, json, plan,
};

impl<P: Provider> Server<P> {
    pub(super) fn managed(&self, name: &str) -> Result<&Entry<P::Client>, Status> {
        tracing::Span::current().record("tf_resource_type", name);
        self.resources
            .get(name)
            .ok_or_else(|| Status::invalid_argument(format!("this provider has no resource type {name}")))
    }

    pub(super) fn validate_resource(
        &self,
        it: &validate_resource_config::Request,
    ) -> Result<validate_resource_config::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let config = wire::read(it.config.as_ref(), resource.schema())?;
        let found = super::validate(resource.schema(), config, |it| resource.calls().validate(it));
        Ok(validate_resource_config::Response { diagnostics: wire::diagnostics(found) })
    }

    /// Every state comes through here before it is used, whatever its version.
    pub(super) fn upgrade_state(
        &self,
        it: &upgrade_resource_state::Request,
    ) -> Result<upgrade_resource_state::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let failed = |text: String| upgrade_resource_state::Response {
            upgraded_state: None,
            diagnostics: wire::diagnostics(
                Diagnostic::error(format!("Cannot read the state of {}", it.type_name)).detail(text).into(),
            ),
        };
        if it.version > resource.version() {
            return Ok(failed(format!(
                "The state has the schema version {}, this provider reads version {}. It was written by another \
                 version of the provider: use that one, or a newer one.",
                it.version,
                resource.version()
            )));
        }
        let Some(raw) = it.raw_state.as_ref().filter(|raw| raw.flatmap.is_empty()) else {
            return Ok(failed(
                "The state is in the form of Terraform 0.11, which no version of this provider wrote.".into(),
            ));
        };
        let upgraded = upgraded(&raw.json, it.version < resource.version(), |state| {
            resource.calls().upgrade(it.version, state);
        });
        match upgraded.and_then(|json| json::read_object(&json, resource.schema())) {
            Ok(state) => Ok(upgrade_resource_state::Response {
                upgraded_state: wire::write(&state, resource.schema()),
                diagnostics: Vec::new(),
            }),
            Err(error) => Ok(failed(format!("It does not fit the schema: {error}."))),
        }
    }

    pub(super) fn upgrade_identity(
        &self,
        it: &upgrade_resource_identity::Request,
    ) -> Result<upgrade_resource_identity::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let (from, version) = (it.version, resource.identity_version());
        let identity = it.raw_identity.as_ref().map(|raw| {
            let upgraded = upgraded(&raw.json, from < version, |identity| {
                resource.calls().upgrade_identity(from, identity);
            });
            upgraded.and_then(|json| json::read_object(&json, resource.identity()))
        });
        let (upgraded_identity, diagnostics) = match identity {
            Some(_) if from > version => (
                None,
                Diagnostic::error(format!("Cannot read the identity of {}", it.type_name))
                    .detail(format!(
                        "It has the version {from}, this provider reads version {version}. Use the version of the provider \
                         that wrote it, or a newer one."
                    ))
                    .into(),
            ),
            Some(Ok(value)) => {
                (wire::write_identity(Some(&value), resource.identity()), Diagnostics::default())
            }
            Some(Err(error)) => (
                None,
                Diagnostic::error(format!("Cannot read the identity of {}", it.type_name))
                    .detail(format!("It does not fit the schema: {error}."))
                    .into(),
            ),
            None => (None, Diagnostics::default()),
        };
        let diagnostics = wire::diagnostics(diagnostics);
        Ok(upgrade_resource_identity::Response { upgraded_identity, diagnostics })
    }

    pub(super) async fn read(&self, it: read_resource::Request) -> Result<read_resource::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let state = wire::read(it.current_state.as_ref(), resource.schema())?;
        let before = wire::read_identity(it.current_identity.as_ref(), resource.identity())?;
        let mut response = read_resource::Response::default();
        let context = match self.context() {
            Ok(context) => context.keeping(moves::unmarked(&it.private)),
            Err(why) => {
                response.private = it.private;
                response.new_state = it.current_state;
                response.new_identity = it.current_identity;
                response.deferred = self.deferred(it.client_capabilities.as_ref());
                if response.deferred.is_none() {
                    response.diagnostics = wire::diagnostics(why);
                }
                return Ok(response);
            }
        };
        let mut found = Diagnostics::default();
        let calls = resource.calls();
        let read = match is_moved(&it.private) {
            true => calls.settle(state, &context).await,
            false => calls.read(state, &context).await,
        };
        let failed = read.is_err();
        match read {
            Ok(Some(Known { state, identity })) => {
                if let (Some(before), Some(after)) = (&before, &identity)
                    && before != after
                {
                    found.push(Diagnostic::error("Unexpected Identity Change").detail(format!(
                        "The identity of this {} changed while it was read. This is a bug in the provider.",
                        it.type_name
                    )));
                }
                response.new_state = wire::write(&state, resource.schema());
                response.new_identity = wire::write_identity(identity.as_ref(), resource.identity());
            }
            Ok(None) => response.new_state = wire::write(&Value::Null, resource.schema()),
            Err(why) => {
                response.new_state = it.current_state;
                response.new_identity = it.current_identity;
                found.extend(why);
            }
        }
        found.extend(context.take_warnings());
        response.private = match failed && is_moved(&it.private) {
            true => it.private,
            false => context.take_private().into(),
        };
        response.diagnostics = wire::diagnostics(found);
        Ok(response)
    }

    pub(super) async fn plan(
        &self,
        it: plan_resource_change::Request,
    ) -> Result<plan_resource_change::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let schema = resource.schema();
        let prior = wire::read(it.prior_state.as_ref(), schema)?;
        let config = wire::read(it.config.as_ref(), schema)?;
        let destroy = is_null(it.proposed_new_state.as_ref());
        let planned = if destroy {
            plan::Planned { value: Value::Null, replace: Vec::new() }
        } else {
            plan::plan(schema, &config, &prior)
        };
        // In place of an object that is replaced the host plans a new one, and brings what was kept for the old.
        let private = if prior.is_null() { Default::default() } else { it.prior_private };
        // A provider block that is not known yet is no obstacle to a plan; the hook looks at less.
        let context = self.context().ok().map(|it| it.keeping(moves::unmarked(&private)));
        let may_defer = it.client_capabilities.is_some_and(|it| it.deferral_allowed);
        let change = ErasedChange { prior, planned: planned.value, config, replace: planned.replace };
        let mut response = plan_resource_change::Response {
            planned_private: private,
            planned_identity: it.prior_identity,
            deferred: self.deferred(it.client_capabilities.as_ref()),
            ..Default::default()
        };
        let mut found = Diagnostics::default();
        match resource.calls().plan(change, context.as_ref()).await {
            Ok((planned, replace)) => {
                response.planned_state = wire::write(&planned, schema);
                response.requires_replace = replace.iter().map(wire::path).collect();
            }
            Err(why) => {
                response.planned_state = it.prior_state;
                found = why;
            }
        }
        if let Some(context) = context {
            found.extend(context.take_warnings());
            if may_defer && context.defers() {
                response.deferred = Some(Deferred { reason: deferred::Reason::ResourceConfigUnknown.into() });
            }
            let kept = context.take_private();
            if kept != moves::unmarked(&response.planned_private) {
                response.planned_private = kept.into();
            }
        }
        response.diagnostics = wire::diagnostics(found);
        Ok(response)
    }

    pub(super) async fn apply(
        &self,
        it: apply_resource_change::Request,
    ) -> Result<apply_resource_change::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let schema = resource.schema();
        let prior = wire::read(it.prior_state.as_ref(), schema)?;
        let planned = wire::read(it.planned_state.as_ref(), schema)?;
        let mut response = apply_resource_change::Response::default();
        let context = match self.context() {
            Ok(context) => context.keeping(moves::unmarked(&it.planned_private)),
            Err(why) => {
                response.private = it.planned_private;
                response.new_state = it.prior_state;
                response.new_identity = it.planned_identity;
                response.diagnostics = wire::diagnostics(why);
                return Ok(response);
            }
        };
        let calls = resource.calls();
        let (after, mut found) = match (prior.is_null(), planned.is_null()) {
            (false, true) => match calls.delete(prior, &context).await {
                Ok(()) => (After::Gone, Diagnostics::default()),
                Err(why) => (After::Same, why),
            },
            (true, _) => created(calls.create(planned.clone(), &context).await, &planned),
            (false, false) => settle(calls.update(prior, planned, &context).await),
        };
        (response.new_state, response.new_identity) = match after {
            After::Is(Known { state, identity }) => (
                wire::write(&state.settled(), schema),
                wire::write_identity(identity.as_ref(), resource.identity()),
            ),
            After::Same => (it.prior_state, it.planned_identity),
            After::Gone => (wire::write(&Value::Null, schema), None),
        };
        found.extend(context.take_warnings());
        response.private = context.take_private().into();
        response.diagnostics = wire::diagnostics(found);
        Ok(response)
    }

    /// What a configuration would say that gives this state.
    pub(super) fn generate_config(
        &self,
        it: &generate_resource_config::Request,
    ) -> Result<generate_resource_config::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let state = wire::read(it.state.as_ref(), resource.schema())?;
        Ok(match resource.calls().written(state) {
            Ok(config) => generate_resource_config::Response {
                config: wire::write(&config, resource.schema()),
                diagnostics: Vec::new(),
            },
            Err(why) => {
                generate_resource_config::Response { config: None, diagnostics: wire::diagnostics(why) }
            }
        })
    }

    pub(super) async fn import(
        &self,
        it: import_resource_state::Request,
    ) -> Result<import_resource_state::Response, Status> {
        let resource = self.managed(&it.type_name)?;
        let wanted = match wire::read_identity(it.identity.as_ref(), resource.identity())? {
            Some(identity) if it.id.is_empty() => Wanted::Identity(identity),
            _ => Wanted::Text(it.id),
        };
        let mut response = import_resource_state::Response {
            deferred: self.deferred(it.client_capabilities.as_ref()),
            ..Default::default()
        };
        let found = match self.context() {
            Err(_) if response.deferred.is_some() => {
                response.imported_resources.push(import_resource_state::ImportedResource {
                    state: Some(wire::unknown()),
                    identity: it.identity,
                    type_name: it.type_name,
                    ..Default::default()
                });
                Diagnostics::default()
            }
            Err(why) => why,
            Ok(context) => match self.imported(resource, wanted, &context).await {
                Ok(imported) => {
                    let imported =
                        import_resource_state::ImportedResource { type_name: it.type_name, ..imported };
                    response.imported_resources.push(imported);
                    context.take_warnings()
                }
                Err(why) => why,
            },
        };
        response.diagnostics = wire::diagnostics(found);
        Ok(response)
    }

    async fn imported(
        &self,
        resource: &Entry<P::Client>,
        wanted: Wanted,
        context: &Context<P::Client>,
    ) -> Result<import_resource_state::ImportedResource, Diagnostics> {
        let Known { state, identity } = resource.calls().import(wanted, context).await?;
        Ok(import_resource_state::ImportedResource {
            state: wire::write(&state, resource.schema()),
            identity: wire::write_identity(identity.as_ref(), resource.identity()),
            private: context.take_private().into(),
            ..Default::default()
        })
    }
}

/// The JSON of a state or an identity, changed where it is an older version's.
fn upgraded(
    json: &[u8],
    older: bool,
    upgrade: impl FnOnce(&mut Attributes),
) -> Result<Cow<'_, [u8]>, serde_json::Error> {
    if !older {
        return Ok(Cow::Borrowed(json));
    }
    let mut attributes = serde_json::from_slice(json)?;
    upgrade(&mut attributes);
    serde_json::to_vec(&attributes).map(Cow::Owned)
}

/// Whether a value is null, without reading all of it.
fn is_null(value: Option<&pb::DynamicValue>) -> bool {
    value.is_none_or(|it| match (&it.msgpack[..], &it.json[..]) {
        ([], json) => json.is_empty() || json == b"null",
        (msgpack, _) => msgpack == [0xc0],
    })
}

/// What is there after a change.
enum After {
    Is(Known),
    /// What was there before, which in a create is nothing.
    Same,
    Gone,
}

fn settle(outcome: Result<Known, Failure<Known>>) -> (After, Diagnostics) {
    match outcome {
        Ok(known) => (After::Is(known), Diagnostics::default()),
        Err(Failure { state, diagnostics }) => (state.map_or(After::Same, After::Is), diagnostics),
    }
}

/// An object that was made, whose making did not end well, must not be tainted: Terraform would replace
/// it. So its errors become warnings, and its state is what was planned, as Terraform demands
/// of a success. The next refresh sees what is missing, and the next apply completes it.
fn created(outcome: Result<Known, Failure<Known>>, planned: &Value) -> (After, Diagnostics) {
    match outcome {
        Err(Failure { state: Some(known), mut diagnostics }) => {
            for one in diagnostics.0.iter_mut().filter(|it| it.severity == Severity::Error) {
                one.severity = Severity::Warning;
                one.detail.push_str(
                    "\n\nThe object was created and is in the state. Apply again: the next plan shows what is \
                     still missing.",
                );
            }
            (After::Is(Known { state: filled(planned, known.state), ..known }), diagnostics)
        }
        other => settle(other),
    }
}

/// The plan, with its unknown values taken from what was made.
fn filled(planned: &Value, made: Value) -> Value {
    match (planned, made) {
        (Value::Unknown, made) => made,
        (Value::Object(planned), Value::Object(made)) => {
            Value::Object(planned.iter().zip(made).map(|(planned, made)| filled(planned, made)).collect())
        }
        (Value::Map(planned), Value::Map(mut made)) => {
            let each = planned
                .iter()
                .map(|(key, it)| (key.clone(), filled(it, made.remove(key).unwrap_or(Value::Null))));
            Value::Map(each.collect())
        }
        (planned, _) => planned.clone().settled(),
    }
}
