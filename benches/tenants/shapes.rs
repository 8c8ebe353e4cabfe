//! Configurations of so many tenants: each a project, a group and a role of the group on the project.

use std::fs;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

/// How the tenants are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Resources with `for_each`, which refer to each other.
    Single,
    /// A module with `for_each`, which has one tenant's resources.
    Module,
    /// A map in one resource.
    Workspace,
}

/// What there is to be in each tenant.
#[derive(Clone, Copy, Debug)]
pub struct Tenants {
    /// How many there are.
    pub count: usize,
    /// Over how many workspaces they are spread.
    pub workspaces: usize,
    /// Whether they are projects with a description and nothing else.
    pub lean: bool,
    /// Whether limits of Nova and Cinder are set as well.
    pub quotas: bool,
}

impl Shape {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Module => "module",
            Self::Workspace => "workspace",
        }
    }

    /// Writes the configuration: with our provider's resources, or as much of the host's own that does nothing.
    /// The variable `changed` names a tenant whose description is another one.
    pub fn write(self, folder: &Path, tenants: Tenants, floor: bool) -> Result<()> {
        let Tenants { count, workspaces, .. } = tenants;
        let mut text = String::new();
        if !floor {
            text.push_str("terraform {\n  required_providers {\n    tenancy = { source = \"tenancy/tenancy\" }\n  }\n}\n\n");
        }
        // A range has at most 1024 numbers.
        let (full, rest) = (count / 1000, count % 1000);
        text.push_str(&format!(
            "variable \"changed\" {{\n  default = \"\"\n}}\n\nlocals {{\n  tenants = concat(\n    \
             flatten([for a in range({full}) : [for b in range(1000) : format(\"tenant-%05d\", a * 1000 + b)]]),\n    \
             [for n in range({rest}) : format(\"tenant-%05d\", {full} * 1000 + n)],\n  )\n}}\n\n"
        ));
        match self {
            Self::Single => {
                text.push_str(&tenant(
                    "  for_each = toset(local.tenants)\n",
                    "each.key",
                    "[each.key]",
                    tenants,
                    floor,
                ));
            }
            Self::Module => {
                text.push_str("module \"tenant\" {\n  source   = \"./tenant\"\n  for_each = toset(local.tenants)\n  name     = each.key\n  changed  = var.changed\n}\n");
                let inner = format!(
                    "{}variable \"name\" {{}}\n\nvariable \"changed\" {{}}\n\n{}",
                    if floor {
                        ""
                    } else {
                        "terraform {\n  required_providers {\n    tenancy = { source = \"tenancy/tenancy\" }\n  }\n}\n\n"
                    },
                    tenant("", "var.name", "", tenants, floor)
                );
                fs::create_dir_all(folder.join("tenant"))?;
                fs::write(folder.join("tenant/main.tf"), inner)?;
            }
            Self::Workspace => {
                let bindings = if tenants.lean {
                    ""
                } else {
                    "\n      bindings    = { users = { roles = [\"member\"] } }"
                };
                let tags = if tenants.lean { "" } else { "\n      tags        = [\"managed\", \"bench\"]" };
                let quotas = if tenants.quotas {
                    "\n      quotas      = { compute = { cores = 40 }, block_storage = { volumes = 20 } }"
                } else {
                    ""
                };
                let map = format!(
                    "{{\n    for name in each.value : name => {{\n      description = name == var.changed ? \"another\" : \"A tenant\"{tags}{bindings}{quotas}\n      on_destroy  = \"delete\"\n    }}\n  }}"
                );
                let each = format!(
                    "  for_each = {{ for n, names in chunklist(local.tenants, {}) : format(\"bench-%02d\", n) => names }}\n",
                    count.div_ceil(workspaces.max(1)).max(1)
                );
                text.push_str(&match floor {
                    true => format!("resource \"terraform_data\" \"workspace\" {{\n{each}  input = {map}\n}}\n"),
                    false => format!(
                        "resource \"tenancy_workspace\" \"this\" {{\n{each}  domain   = {{ name = each.key }}\n  tenants  = {map}\n  on_destroy = \"delete\"\n}}\n"
                    ),
                });
            }
        }
        fs::write(folder.join("main.tf"), text)?;
        Ok(())
    }
}

/// The resources of a tenant. `name` is what names it, `of` what follows a reference to another of its resources.
fn tenant(each: &str, name: &str, of: &str, tenants: Tenants, floor: bool) -> String {
    let Tenants { lean, quotas, .. } = tenants;
    let description = format!("{name} == var.changed ? \"another\" : \"A tenant\"");
    let mut all = if floor {
        format!(
            "resource \"terraform_data\" \"project\" {{\n{each}  input = {{ name = {name}, description = {description}, tags = [\"managed\", \"bench\"] }}\n}}\n"
        )
    } else {
        let tags = if lean { "" } else { "  tags        = [\"managed\", \"bench\"]\n" };
        format!(
            "resource \"tenancy_tenant_project\" \"project\" {{\n{each}  name        = {name}\n  domain_id   = \"default\"\n  description = {description}\n{tags}  on_destroy  = \"delete\"\n}}\n"
        )
    };
    if !lean {
        all.push_str(&match floor {
            true => format!(
                "\nresource \"terraform_data\" \"users\" {{\n{each}  input = {{ project_id = terraform_data.project{of}.id, group = {{ name = \"${{{name}}}-users\" }}, roles = [\"member\"] }}\n}}\n"
            ),
            false => format!(
                "\nresource \"tenancy_project_group_binding\" \"users\" {{\n{each}  project_id = tenancy_tenant_project.project{of}.id\n  group      = {{ name = \"${{{name}}}-users\", domain_id = \"default\" }}\n  roles      = [\"member\"]\n}}\n"
            ),
        });
    }
    if quotas {
        all.push_str(&match floor {
            true => format!(
                "\nresource \"terraform_data\" \"quotas\" {{\n{each}  input = {{ project_id = terraform_data.project{of}.id, cores = 40, volumes = 20 }}\n}}\n"
            ),
            false => format!(
                "\nresource \"tenancy_quota_set\" \"quotas\" {{\n{each}  project_id    = tenancy_tenant_project.project{of}.id\n  compute       = {{ cores = 40 }}\n  block_storage = {{ volumes = 20 }}\n}}\n"
            ),
        });
    }
    all
}
