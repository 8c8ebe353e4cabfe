//! The call behind a `moved` block that changes the type.
//!
//! Hosts make it before the provider is configured, so nobody can be asked. What is moved is marked, and the first read
//! after it takes in what the old state did not say.

use prost::bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tonic::Status;

use super::{Entry, Server, wire};
use crate::tf::proto::tfplugin6::*;
use crate::tf::resource::Known;
use crate::tf::{Diagnostic, Diagnostics, Old, Provider};

/// What is kept beside the state of an object that was moved, until it is read.
#[derive(Deserialize, Serialize)]
struct Mark {
    moved: bool,
    /// What the resource keeps of its old state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<Json>,
}

/// Whether an object was moved, and not read since.
pub(super) fn is_moved(private: &Bytes) -> bool {
    private.starts_with(br#"{"moved":true"#)
}

/// What the resource itself had kept.
pub(super) fn unmarked(private: &Bytes) -> Vec<u8> {
    if !is_moved(private) {
        return private.to_vec();
    }
    let kept = serde_json::from_slice(private).ok().and_then(|it: Mark| it.kept);
    kept.map(|it| it.to_string().into_bytes()).unwrap_or_default()
}

impl<P: Provider> Server<P> {
    pub(super) fn move_state(
        &self,
        it: &move_resource_state::Request,
    ) -> Result<move_resource_state::Response, Status> {
        let resource = self.managed(&it.target_type_name)?;
        let mut response = move_resource_state::Response::default();
        match moved(resource, it) {
            Ok((Known { state, identity }, kept)) => {
                response.target_state = wire::write(&state.settled(), resource.schema());
                response.target_identity = wire::write_identity(identity.as_ref(), resource.identity());
                let mark = serde_json::to_vec(&Mark { moved: true, kept });
                response.target_private = mark.unwrap_or_default().into();
            }
            Err(why) => response.diagnostics = wire::diagnostics(why),
        }
        Ok(response)
    }
}

/// The new state, and what is to be kept beside it.
fn moved<C>(
    resource: &Entry<C>,
    it: &move_resource_state::Request,
) -> Result<(Known, Option<Json>), Diagnostics> {
    let json = it.source_state.as_ref().filter(|it| it.flatmap.is_empty()).map(|it| &it.json[..]);
    let old = json.and_then(|json| Old::of(&it.source_type_name, json)).ok_or_else(|| {
        Diagnostic::error(format!("Cannot read the state of {}", it.source_type_name))
            .detail("It is in no form that can be moved. Apply once with the provider that wrote it.")
    })?;
    // An address is registry, namespace and name. Which registry it came from does not matter.
    let address = it.source_provider_address.as_str();
    let provider = match address.split_once('/') {
        Some((_, rest)) => rest,
        // OpenTofu before 1.11.12 and 1.12.4 sends the name alone (opentofu/opentofu#4352).
        None => {
            let known = resource.movable().into_iter().map(|(provider, _)| provider);
            known.into_iter().find(|it| it.rsplit('/').next() == Some(address)).unwrap_or(address)
        }
    };
    let known = resource.calls().moved(provider, &old).unwrap_or_else(|| {
        let all = resource.movable().into_iter();
        let all: String = all.map(|(provider, from)| format!("\n- {from} of {provider}")).collect();
        let can = match all.is_empty() {
            true => format!("Nothing can become a {} by a `moved` block.", it.target_type_name),
            false => format!("What can become a {}:{all}", it.target_type_name),
        };
        Err(Diagnostic::error("This move is not supported")
            .detail(format!(
                "A {} of {} cannot become a {}. {can}\n\nOtherwise use an `import` block for the object, and a \
                 `removed` block with `destroy = false` for the old address.",
                it.source_type_name, it.source_provider_address, it.target_type_name
            ))
            .into())
    })?;
    Ok((known, old.take_kept()))
}
