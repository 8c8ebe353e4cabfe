//! Compiles the protocol definitions in `proto/`, without needing `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(
        ["tfplugin6.proto", "grpc_broker.proto", "grpc_controller.proto", "grpc_stdio.proto", "health.proto"],
        ["proto"],
    )?;
    // `Bytes` shares the receive buffer instead of copying each value out of
    // it. Ordered maps make answers the same from one run to the next. The
    // clients are for tests and tools; the linker drops them from the provider.
    tonic_prost_build::configure()
        .bytes(".")
        .btree_map(".")
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)?;
    Ok(())
}
