//! What finds a binding.

use crate::openstack::identity::Scope;
use crate::tf::{Attr, Diagnostic, Diagnostics, Identity, Mismatch, Model, Result, Schema, Value};

/// What finds a binding: its scope and its group.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct BindingId {
    /// Id of the project.
    pub project_id: Option<String>,
    /// Id of the domain.
    pub domain_id: Option<String>,
    /// Whether the scope is the system.
    pub system: Option<bool>,
    /// Id of the group.
    pub group_id: String,
    /// Whether the roles are for the projects below the scope.
    pub inherited: Option<bool>,
}

/// An identity, and what only an import by names says: that the binding is to own the group.
#[derive(Clone, Debug)]
pub struct Found {
    /// What finds it.
    pub id: BindingId,
    /// Whether the binding is to own the group.
    pub owned: bool,
}

impl Found {
    /// A binding on a project that is to own its group.
    pub fn owned(project_id: String, group_id: String) -> Self {
        let id = BindingId {
            project_id: Some(project_id),
            domain_id: None,
            system: None,
            group_id,
            inherited: Some(false),
        };
        Found { id, owned: true }
    }
}

impl Identity for Found {
    fn schema() -> Schema {
        BindingId::schema()
    }

    fn decode(value: Value) -> std::result::Result<Self, Mismatch> {
        <BindingId as Attr>::decode(value).map(|id| Found { id, owned: false })
    }

    fn encode(self) -> Value {
        Attr::encode(self.id)
    }

    fn parse(text: &str) -> Result<Self> {
        Err(unreadable(text))
    }

    fn is_whole(&self) -> bool {
        self.id.scope().is_some()
    }
}

/// Says what an import takes.
pub fn unreadable(text: &str) -> Diagnostics {
    Diagnostic::error("Unreadable import id")
        .detail(format!(
            "\"{text}\" names no binding. Expected one of\n\n\
             - DOMAIN/PROJECT/GROUP, by names: the binding owns the group, which is in DOMAIN\n\
             - PROJECT_ID/GROUP_ID: the group stays somebody else's\n\
             - domain:DOMAIN/GROUP, for a binding on a domain: by names owned, by ids not\n\
             - system/GROUP_ID\n\n\
             with inherited: before it for inherited roles."
        ))
        .into()
}

impl BindingId {
    /// The scope, unless the identity names none.
    pub fn scope(&self) -> Option<Scope> {
        match (&self.project_id, &self.domain_id, self.system) {
            (Some(id), _, _) => Some(Scope::Project(id.clone())),
            (None, Some(id), _) => Some(Scope::Domain(id.clone())),
            (None, None, Some(true)) => Some(Scope::System),
            (None, None, _) => None,
        }
    }
}
