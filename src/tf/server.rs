//! The Provider service: each call of the host's, answered with what a [`Provider`] offers.
//!
//! The calls themselves are in the folder beside this file, by subject.

mod absent;
mod data;
mod ephemeral;
mod functions;
mod managed;
mod offer;
mod open;
mod validate;
mod wire;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::RwLock;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::proto::tfplugin6::provider_server;
use super::proto::tfplugin6::*;
use super::{
    Context, Diagnostic, Diagnostics, Draft, DynDataSource, DynEphemeral, DynFunction, DynResource, Model,
    Path, Provider,
};
use super::{Schema, Value, plan};

/// Serves one provider to one host.
pub struct Server<P: Provider> {
    schema: Arc<Schema>,
    resources: BTreeMap<String, Entry<P::Client>>,
    data_sources: BTreeMap<String, Box<dyn DynDataSource<P::Client>>>,
    ephemerals: Arc<Ephemerals<P::Client>>,
    open: open::Open,
    functions: BTreeMap<&'static str, Box<dyn DynFunction>>,
    client: Arc<Mutex<Configured<P::Client>>>,
    /// Cancelled when the process ends.
    ending: CancellationToken,
    /// Cancelled by StopProvider, then replaced.
    running: Mutex<CancellationToken>,
}

type Ephemerals<C> = BTreeMap<String, Arc<dyn DynEphemeral<C>>>;

/// What came of the provider block.
enum Configured<C> {
    Not,
    /// These attributes are not known before apply.
    Unknown(Vec<Path>),
    Ready(C),
}

/// A resource and what is computed of it once.
struct Entry<C> {
    resource: Box<dyn DynResource<C>>,
    identity: Schema,
}

impl<C> Entry<C> {
    fn identity(&self) -> &Schema {
        &self.identity
    }
}

impl<C> Deref for Entry<C> {
    type Target = dyn DynResource<C>;

    fn deref(&self) -> &Self::Target {
        &*self.resource
    }
}

impl<P: Provider> Server<P> {
    /// A server whose calls end early once `ending` is cancelled.
    pub fn new(ending: CancellationToken) -> Self {
        let name = |it: &str| format!("{}_{it}", P::NAME);
        let resources = P::resources().into_iter().map(|resource| {
            let identity = resource.identity();
            (name(resource.name()), Entry { resource, identity })
        });
        let data_sources = P::data_sources().into_iter().map(|it| (name(it.name()), it));
        let ephemerals = P::ephemerals().into_iter().map(|it| (name(it.name()), Arc::from(it)));
        Server {
            schema: Arc::new(P::Config::schema()),
            resources: resources.collect(),
            data_sources: data_sources.collect(),
            ephemerals: Arc::new(ephemerals.collect()),
            open: Default::default(),
            functions: P::functions().into_iter().map(|it| (it.name(), it)).collect(),
            client: Arc::new(Mutex::new(Configured::Not)),
            running: Mutex::new(ending.child_token()),
            ending,
        }
    }

    /// The same server, with what the end of the process waits for while something is open.
    pub fn holding(mut self, unfinished: Arc<RwLock<()>>) -> Self {
        self.open.unfinished = unfinished;
        self
    }
}

/// The value behind a lock. A panic elsewhere leaves it whole: it is only ever replaced.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks a configuration: what can be said of any attribute, then what its model says.
fn validate(
    schema: &Schema,
    config: Value,
    model: impl FnOnce(Value) -> Result<(), Diagnostics>,
) -> Diagnostics {
    let mut found = Diagnostics::default();
    validate::object(schema, &config, &Path::root(), &mut found);
    if let Err(why) = model(config) {
        found.extend(why);
    }
    found
}

impl<P: Provider> Server<P> {
    /// What a call works with.
    fn context(&self) -> Result<Context<P::Client>, Diagnostics> {
        match &*lock(&self.client) {
            Configured::Ready(client) => Ok(Context::new(client, lock(&self.running).clone())),
            Configured::Not => Err(Diagnostic::error("The provider is not configured").into()),
            Configured::Unknown(paths) => {
                let names: Vec<_> = paths.iter().map(|it| format!("`{it}`")).collect();
                Err(Diagnostic::error("The provider's configuration is not known yet")
                    .detail(format!(
                        "Known only after apply: {}. Apply what it depends on first, for instance with `-target`.",
                        names.join(", ")
                    ))
                    .into())
            }
        }
    }

    /// What came of a call that needs the client, and all there is to say about it.
    async fn asked<T>(
        &self,
        call: impl AsyncFnOnce(&Context<P::Client>) -> super::Result<T>,
    ) -> (Option<T>, Diagnostics) {
        let context = match self.context() {
            Ok(context) => context,
            Err(why) => return (None, why),
        };
        let (answer, mut found) = match call(&context).await {
            Ok(it) => (Some(it), Diagnostics::default()),
            Err(why) => (None, why),
        };
        found.extend(context.take_warnings());
        (answer, found)
    }

    fn validate_provider(
        &self,
        it: &validate_provider_config::Request,
    ) -> Result<validate_provider_config::Response, Status> {
        let config = wire::read(it.config.as_ref(), &self.schema)?;
        let found = validate(&self.schema, config, |it| {
            Draft::of(&self.schema, it).map_or(Ok(()), |draft| P::validate(&draft))
        });
        Ok(validate_provider_config::Response { diagnostics: wire::diagnostics(found) })
    }

    async fn configure(
        &self,
        it: configure_provider::Request,
    ) -> Result<configure_provider::Response, Status> {
        let config = wire::read(it.config.as_ref(), &self.schema)?;
        let config = plan::with_defaults(&self.schema, &config);
        let unknown = unknown(&self.schema, &config);
        let (configured, found) = if unknown.is_empty() {
            let configured = match super::resource::decode(config) {
                Ok(config) => P::configure(config, &it.terraform_version).await,
                Err(why) => Err(why),
            };
            match configured {
                Ok((client, warnings)) => (Configured::Ready(client), warnings),
                Err(why) => (Configured::Not, why),
            }
        } else {
            (Configured::Unknown(unknown), Diagnostics::default())
        };
        *lock(&self.client) = configured;
        Ok(configure_provider::Response { diagnostics: wire::diagnostics(found) })
    }

    /// Cancels what is in flight; calls that come later run as ever.
    fn stop(&self) -> stop_provider::Response {
        std::mem::replace(&mut *lock(&self.running), self.ending.child_token()).cancel();
        stop_provider::Response::default()
    }
}

/// The top-level attributes that are not wholly known.
fn unknown(schema: &Schema, config: &Value) -> Vec<Path> {
    match config {
        Value::Object(all) => (schema.fields.iter().zip(all))
            .filter(|(_, value)| !value.is_wholly_known())
            .map(|(field, _)| Path::root().attribute(field.name))
            .collect(),
        _ => Vec::new(),
    }
}

fn ok<T>(it: T) -> Result<T, Status> {
    Ok(it)
}

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A stream of one event.
fn once<T: Send + 'static>(event: T) -> Result<Response<Events<T>>, Status> {
    Ok(Response::new(Box::pin(tokio_stream::once(Ok(event)))))
}

/// The service: a table of calls with one answer, then the streams.
macro_rules! service {
    (calls { $($method:ident($module:ident): |$server:ident, $it:ident| $body:expr;)+ } streams { $($streams:tt)+ }) => {
        #[tonic::async_trait]
        impl<P: Provider> provider_server::Provider for Server<P> {
            $(async fn $method(
                &self,
                request: Request<$module::Request>,
            ) -> Result<Response<$module::Response>, Status> {
                let ($server, $it) = (self, request.into_inner());
                let answer: Result<_, Status> = $body;
                answer.map(Response::new)
            })+
            $($streams)+
        }
    };
}

service! {
    calls {
        get_metadata(get_metadata): |server, _it| ok(server.metadata());
        get_provider_schema(get_provider_schema): |server, _it| ok(server.schemas());
        get_resource_identity_schemas(get_resource_identity_schemas): |server, _it| ok(server.identity_schemas());
        get_functions(get_functions): |server, _it| ok(server.functions());
        validate_provider_config(validate_provider_config): |server, it| server.validate_provider(&it);
        configure_provider(configure_provider): |server, it| server.configure(it).await;
        stop_provider(stop_provider): |server, _it| ok(server.stop());
        validate_resource_config(validate_resource_config): |server, it| server.validate_resource(&it);
        upgrade_resource_state(upgrade_resource_state): |server, it| server.upgrade_state(&it);
        upgrade_resource_identity(upgrade_resource_identity): |server, it| server.upgrade_identity(&it);
        read_resource(read_resource): |server, it| server.read(it).await;
        plan_resource_change(plan_resource_change): |server, it| server.plan(it).await;
        apply_resource_change(apply_resource_change): |server, it| server.apply(it).await;
        import_resource_state(import_resource_state): |server, it| server.import(it).await;
        move_resource_state(move_resource_state): |_server, it| ok(absent::move_state(&it));
        generate_resource_config(generate_resource_config): |_server, it| ok(absent::generate_config(&it));
        validate_data_resource_config(validate_data_resource_config): |server, it| server.validate_data(&it);
        read_data_source(read_data_source): |server, it| server.read_data(it).await;
        validate_ephemeral_resource_config(validate_ephemeral_resource_config): |server, it| server.validate_ephemeral(&it);
        open_ephemeral_resource(open_ephemeral_resource): |server, it| server.open_ephemeral(it).await;
        renew_ephemeral_resource(renew_ephemeral_resource): |server, it| server.renew_ephemeral(it).await;
        close_ephemeral_resource(close_ephemeral_resource): |server, it| server.close_ephemeral(it).await;
        call_function(call_function): |server, it| server.call_function(&it);
        validate_list_resource_config(validate_list_resource_config): |_server, it| ok(absent::validate_list(&it));
        validate_action_config(validate_action_config): |_server, it| ok(absent::validate_action(&it));
        plan_action(plan_action): |_server, it| ok(absent::plan_action(&it));
        validate_state_store_config(validate_state_store): |_server, it| ok(absent::validate_store(&it));
        configure_state_store(configure_state_store): |_server, it| ok(absent::configure_store(&it));
        lock_state(lock_state): |_server, it| ok(absent::lock_state(&it));
        unlock_state(unlock_state): |_server, it| ok(absent::unlock_state(&it));
        get_states(get_states): |_server, it| ok(absent::get_states(&it));
        delete_state(delete_state): |_server, it| ok(absent::delete_state(&it));
    }
    streams {
        type ListResourceStream = Events<list_resource::Event>;
        async fn list_resource(
            &self,
            request: Request<list_resource::Request>,
        ) -> Result<Response<Self::ListResourceStream>, Status> {
            once(absent::list(request.get_ref()))
        }

        type InvokeActionStream = Events<invoke_action::Event>;
        async fn invoke_action(
            &self,
            request: Request<invoke_action::Request>,
        ) -> Result<Response<Self::InvokeActionStream>, Status> {
            once(absent::invoke_action(request.get_ref()))
        }

        type ReadStateBytesStream = Events<read_state_bytes::Response>;
        async fn read_state_bytes(
            &self,
            request: Request<read_state_bytes::Request>,
        ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
            once(absent::read_state(request.get_ref()))
        }

        async fn write_state_bytes(
            &self,
            request: Request<Streaming<write_state_bytes::RequestChunk>>,
        ) -> Result<Response<write_state_bytes::Response>, Status> {
            let first = request.into_inner().next().await.transpose()?;
            let name = first.and_then(|it| it.meta).map(|it| it.type_name).unwrap_or_default();
            Ok(Response::new(absent::write_state(&name)))
        }
    }
}
