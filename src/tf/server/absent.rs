//! What this provider does not offer: the answers a host gets that asks all the same.

use crate::tf::Diagnostic;
use crate::tf::proto::tfplugin6::{self as pb, *};

use super::wire;

/// The one diagnostic that all of these answers carry.
fn none(what: &str, name: &str) -> Vec<pb::Diagnostic> {
    wire::diagnostics(Diagnostic::error(format!("This provider has no {what} \"{name}\"")).into())
}

/// Answers whose only content is the diagnostic.
macro_rules! absent {
    ($($function:ident($request:ty, $name:ident, $what:literal) -> $response:ty;)+) => {
        $(pub(super) fn $function(it: &$request) -> $response {
            #[allow(clippy::needless_update)]
            { <$response>::default().with(none($what, &it.$name)) }
        })+
        $(impl WithDiagnostics for $response {
            fn with(mut self, diagnostics: Vec<pb::Diagnostic>) -> Self {
                self.diagnostics = diagnostics;
                self
            }
        })+
    };
}

trait WithDiagnostics {
    fn with(self, diagnostics: Vec<pb::Diagnostic>) -> Self;
}

absent! {
    validate_list(validate_list_resource_config::Request, type_name, "list resource") -> validate_list_resource_config::Response;
    validate_action(validate_action_config::Request, type_name, "action") -> validate_action_config::Response;
    plan_action(plan_action::Request, action_type, "action") -> plan_action::Response;
    validate_store(validate_state_store::Request, type_name, "state store") -> validate_state_store::Response;
    configure_store(configure_state_store::Request, type_name, "state store") -> configure_state_store::Response;
    lock_state(lock_state::Request, type_name, "state store") -> lock_state::Response;
    unlock_state(unlock_state::Request, type_name, "state store") -> unlock_state::Response;
    get_states(get_states::Request, type_name, "state store") -> get_states::Response;
    delete_state(delete_state::Request, type_name, "state store") -> delete_state::Response;
    generate_config(generate_resource_config::Request, type_name, "configuration to generate for") -> generate_resource_config::Response;
}

pub(super) fn list(it: &list_resource::Request) -> list_resource::Event {
    list_resource::Event { diagnostic: none("list resource", &it.type_name), ..Default::default() }
}

pub(super) fn invoke_action(it: &invoke_action::Request) -> invoke_action::Event {
    use invoke_action::event::{Completed, Type};
    let completed = Completed { diagnostics: none("action", &it.action_type) };
    invoke_action::Event { r#type: Some(Type::Completed(completed)) }
}

pub(super) fn read_state(it: &read_state_bytes::Request) -> read_state_bytes::Response {
    read_state_bytes::Response { diagnostics: none("state store", &it.type_name), ..Default::default() }
}

pub(super) fn write_state(name: &str) -> write_state_bytes::Response {
    write_state_bytes::Response { diagnostics: none("state store", name) }
}

pub(super) fn move_state(it: &move_resource_state::Request) -> move_resource_state::Response {
    let error = Diagnostic::error("This move is not supported").detail(format!(
        "A {} of {} cannot become a {}. Use an `import` block for the object, and a `removed` block for the old address.",
        it.source_type_name, it.source_provider_address, it.target_type_name
    ));
    move_resource_state::Response { diagnostics: wire::diagnostics(error.into()), ..Default::default() }
}
