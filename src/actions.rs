//! What is done when it is asked for, and leaves nothing in a state: one file per action.

pub mod purge_project;
pub mod revoke_user;
