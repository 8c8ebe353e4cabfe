//! Generated wire types. Only `tf/server` and `tf/plugin` turn them into
//! something better; tests and tools use the clients.

#![allow(missing_docs, clippy::all)]

/// The provider protocol, 6.11: `proto/tfplugin6.proto`.
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// The services that come with every plugin: `proto/grpc_*.proto`.
pub mod plugin {
    tonic::include_proto!("plugin");
}

/// The standard health service: `proto/health.proto`.
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}
