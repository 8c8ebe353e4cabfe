//! Serves the provider, or says that this is a plugin.

fn main() {}
