//! A provider that does what no real one should: panic, hang, log on demand.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tenancy::tf::proto::tfplugin6::provider_server::Provider;
use tenancy::tf::proto::tfplugin6::*;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

/// Its registry address, as its options have it.
pub const SOURCE: &str = "acme/tenancy";

/// The provider. What it does depends on the type that it is asked for.
pub struct StandIn {
    /// Ends what hangs.
    pub ending: CancellationToken,
}

impl StandIn {
    async fn read(&self, request: read_resource::Request) -> read_resource::Response {
        let mut response = read_resource::Response { new_state: request.current_state, ..Default::default() };
        match request.type_name.as_str() {
            "panic" => panic!("the stand-in was asked to panic"),
            "log" => {
                tracing::trace!(token = 1, "finest");
                tracing::debug!("finer");
                tracing::info!("fine");
                tracing::warn!(size = 3, "a \"warning\"\nof two lines");
                tracing::error!(target: "h2::codec", "not ours");
            }
            "hang" => {
                tracing::warn!("hangs");
                self.ending.cancelled().await;
                response.private = "what was there".into();
            }
            "hang for ever" => {
                tracing::warn!("hangs");
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
            _ => {}
        }
        response
    }

    async fn plan(&self, request: plan_resource_change::Request) -> plan_resource_change::Response {
        plan_resource_change::Response { planned_state: request.proposed_new_state, ..Default::default() }
    }
}

macro_rules! stand_in {
    (
        answers { $($answer:ident($answer_module:ident): |$server:ident, $it:ident| $body:expr;)* }
        refuses { $($refuse:ident($refuse_module:ident);)* }
    ) => {
        #[tonic::async_trait]
        impl Provider for StandIn {
            $(async fn $answer(
                &self,
                request: Request<$answer_module::Request>,
            ) -> Result<Response<$answer_module::Response>, Status> {
                let ($server, $it) = (self, request.into_inner());
                Ok(Response::new($body))
            })*

            $(async fn $refuse(
                &self,
                _: Request<$refuse_module::Request>,
            ) -> Result<Response<$refuse_module::Response>, Status> {
                Err(Status::unimplemented(stringify!($refuse)))
            })*

            type ListResourceStream = BoxStream<list_resource::Event>;

            async fn list_resource(
                &self,
                request: Request<list_resource::Request>,
            ) -> Result<Response<Self::ListResourceStream>, Status> {
                let limit = request.into_inner().limit;
                let events = stream::iter(0..).then(move |number| async move {
                    // So that each event goes out before the next is made.
                    tokio::task::yield_now().await;
                    assert!(number < limit, "the stand-in was asked to panic in a stream");
                    Ok(list_resource::Event { display_name: number.to_string(), ..Default::default() })
                });
                Ok(Response::new(Box::pin(events)))
            }

            type InvokeActionStream = BoxStream<invoke_action::Event>;

            async fn invoke_action(
                &self,
                _: Request<invoke_action::Request>,
            ) -> Result<Response<Self::InvokeActionStream>, Status> {
                Err(Status::unimplemented("invoke_action"))
            }

            type ReadStateBytesStream = BoxStream<read_state_bytes::Response>;

            async fn read_state_bytes(
                &self,
                _: Request<read_state_bytes::Request>,
            ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
                Err(Status::unimplemented("read_state_bytes"))
            }

            async fn write_state_bytes(
                &self,
                _: Request<Streaming<write_state_bytes::RequestChunk>>,
            ) -> Result<Response<write_state_bytes::Response>, Status> {
                Err(Status::unimplemented("write_state_bytes"))
            }
        }
    };
}

stand_in! {
    answers {
        get_provider_schema(get_provider_schema): |_server, _it| get_provider_schema::Response::default();
        read_resource(read_resource): |server, it| server.read(it).await;
        plan_resource_change(plan_resource_change): |server, it| server.plan(it).await;
    }
    refuses {
        get_metadata(get_metadata);
        get_resource_identity_schemas(get_resource_identity_schemas);
        get_functions(get_functions);
        validate_provider_config(validate_provider_config);
        configure_provider(configure_provider);
        stop_provider(stop_provider);
        validate_resource_config(validate_resource_config);
        upgrade_resource_state(upgrade_resource_state);
        upgrade_resource_identity(upgrade_resource_identity);
        apply_resource_change(apply_resource_change);
        import_resource_state(import_resource_state);
        move_resource_state(move_resource_state);
        generate_resource_config(generate_resource_config);
        validate_data_resource_config(validate_data_resource_config);
        read_data_source(read_data_source);
        validate_ephemeral_resource_config(validate_ephemeral_resource_config);
        open_ephemeral_resource(open_ephemeral_resource);
        renew_ephemeral_resource(renew_ephemeral_resource);
        close_ephemeral_resource(close_ephemeral_resource);
        call_function(call_function);
        validate_list_resource_config(validate_list_resource_config);
        validate_action_config(validate_action_config);
        plan_action(plan_action);
        validate_state_store_config(validate_state_store);
        configure_state_store(configure_state_store);
        lock_state(lock_state);
        unlock_state(unlock_state);
        get_states(get_states);
        delete_state(delete_state);
    }
}
