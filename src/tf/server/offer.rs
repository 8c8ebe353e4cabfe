//! The calls about what is on offer.

use std::collections::BTreeMap;

use super::{Server, functions, wire};
use crate::tf::Provider;
use crate::tf::proto::tfplugin6::*;

impl<P: Provider> Server<P> {
    fn capabilities() -> Option<ServerCapabilities> {
        Some(ServerCapabilities {
            plan_destroy: true,
            get_provider_schema_optional: true,
            move_resource_state: true,
            generate_resource_config: false,
        })
    }

    pub(super) fn metadata(&self) -> get_metadata::Response {
        let resources = self.resources.keys().cloned();
        let data_sources = self.data_sources.keys().cloned();
        get_metadata::Response {
            server_capabilities: Self::capabilities(),
            resources: resources.map(|type_name| get_metadata::ResourceMetadata { type_name }).collect(),
            data_sources: data_sources
                .map(|type_name| get_metadata::DataSourceMetadata { type_name })
                .collect(),
            ephemeral_resources: self
                .ephemerals
                .keys()
                .map(|it| get_metadata::EphemeralMetadata { type_name: it.clone() })
                .collect(),
            functions: self
                .functions
                .keys()
                .map(|it| get_metadata::FunctionMetadata { name: (*it).to_owned() })
                .collect(),
            ..Default::default()
        }
    }

    pub(super) fn functions(&self) -> get_functions::Response {
        get_functions::Response { functions: self.described(), diagnostics: Vec::new() }
    }

    fn described(&self) -> BTreeMap<String, Function> {
        self.functions.iter().map(|(name, it)| ((*name).to_owned(), functions::described(&**it))).collect()
    }

    pub(super) fn schemas(&self) -> get_provider_schema::Response {
        let resources = self.resources.iter();
        let data_sources = self.data_sources.iter();
        get_provider_schema::Response {
            provider: Some(wire::schema(&self.schema, 0)),
            server_capabilities: Self::capabilities(),
            resource_schemas: resources
                .map(|(name, it)| (name.clone(), wire::schema(it.schema(), it.version())))
                .collect(),
            data_source_schemas: data_sources
                .map(|(name, it)| (name.clone(), wire::schema(it.schema(), 0)))
                .collect(),
            ephemeral_resource_schemas: self
                .ephemerals
                .iter()
                .map(|(name, it)| (name.clone(), wire::schema(it.schema(), 0)))
                .collect(),
            functions: self.described(),
            ..Default::default()
        }
    }

    pub(super) fn identity_schemas(&self) -> get_resource_identity_schemas::Response {
        let all = self.resources.iter();
        get_resource_identity_schemas::Response {
            identity_schemas: all
                .map(|(name, it)| (name.clone(), wire::identity_schema(it.identity())))
                .collect(),
            diagnostics: Vec::new(),
        }
    }
}
