// Package acceptance drives the provider the way tests of providers written in Go do: with terraform-plugin-testing.
//
// It shows that what those tests rely on holds here too: refresh and plan after each apply, import with the states
// compared, plan checks, state checks, expected errors, and destruction at the end.
package acceptance

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// The provider is a program like any other: hosts install it from the mirror that the CLI configuration names.
var providers = map[string]resource.ExternalProvider{"tenancy": {Source: "tenancy/tenancy"}}

// prefix is that of all names in the cloud. Whoever runs the tests removes what has it.
var prefix = os.Getenv("TENANCY_TEST_PREFIX")

var isID = knownvalue.StringRegexp(regexp.MustCompile("^[0-9a-f]{32}$"))

const (
	domain  = "tenancy_workspace_domain.acme"
	project = "tenancy_tenant_project.web"
	binding = "tenancy_project_group_binding.users"
	quotas  = "tenancy_quota_set.web"
)

// tenant has a tenant made of single resources.
func tenant(name, description string) string {
	return fmt.Sprintf(`
resource "tenancy_workspace_domain" "acme" {
  name = "%[1]s-%[2]s"
}

resource "tenancy_tenant_project" "web" {
  name        = "web"
  domain_id   = tenancy_workspace_domain.acme.id
  description = "%[3]s"
  tags        = ["prod", "shop"]
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group = {
    name        = "users"
    domain_id   = tenancy_workspace_domain.acme.id
    description = "Users of the shop"
  }
  roles = ["member"]
}

resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id
  compute    = { cores = 4 }
  network    = { networks = 0, ports = -1 }
}

data "tenancy_project" "web" {
  id = tenancy_tenant_project.web.id
}
`, prefix, name, description)
}

func TestAccTenant(t *testing.T) {
	resource.ParallelTest(t, resource.TestCase{
		ExternalProviders: providers,
		CheckDestroy:      keystoneAnswers(http.StatusNotFound),
		Steps: []resource.TestStep{
			{
				Config: tenant("tenant", "Web shop"),
				ConfigPlanChecks: resource.ConfigPlanChecks{
					PreApply: []plancheck.PlanCheck{
						plancheck.ExpectResourceAction(project, plancheck.ResourceActionCreate),
						plancheck.ExpectUnknownValue(project, tfjsonpath.New("id")),
					},
				},
				Check: keystoneAnswers(http.StatusOK),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(project, tfjsonpath.New("id"), isID),
					statecheck.ExpectKnownValue(project, tfjsonpath.New("enabled"), knownvalue.Bool(true)),
					statecheck.ExpectKnownValue(project, tfjsonpath.New("properties"), knownvalue.Null()),
					statecheck.ExpectKnownValue(quotas, tfjsonpath.New("network"), knownvalue.ObjectPartial(map[string]knownvalue.Check{
						"networks": knownvalue.Int64Exact(0),
						"ports":    knownvalue.Int64Exact(-1),
						"routers":  knownvalue.Null(),
					})),
					statecheck.ExpectKnownValue("data.tenancy_project.web", tfjsonpath.New("tags"), knownvalue.SetExact([]knownvalue.Check{
						knownvalue.StringExact("prod"), knownvalue.StringExact("shop"),
					})),
					statecheck.CompareValuePairs(project, tfjsonpath.New("domain_id"), domain, tfjsonpath.New("id"), compare.ValuesSame()),
				},
			},
			{
				ResourceName:      project,
				ImportState:       true,
				ImportStateVerify: true,
				// Not managed, and so null. An import takes in all that there is.
				ImportStateVerifyIgnore: []string{"immutable"},
			},
			{
				ResourceName:                         binding,
				ImportState:                          true,
				ImportStateId:                        prefix + "-tenant/web/users",
				ImportStateVerify:                    true,
				ImportStateVerifyIdentifierAttribute: "group_id",
			},
			{
				Config: tenant("renamed", "The web shop"),
				ConfigPlanChecks: resource.ConfigPlanChecks{
					PreApply: []plancheck.PlanCheck{
						plancheck.ExpectResourceAction(domain, plancheck.ResourceActionUpdate),
						plancheck.ExpectResourceAction(project, plancheck.ResourceActionUpdate),
						plancheck.ExpectKnownValue(project, tfjsonpath.New("description"), knownvalue.StringExact("The web shop")),
						plancheck.ExpectResourceAction(binding, plancheck.ResourceActionNoop),
						plancheck.ExpectResourceAction(quotas, plancheck.ResourceActionNoop),
					},
					PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
				},
			},
		},
	})
}

// workspace has much the same in one resource: of the tenant web this, and other tenants.
func workspace(web, others string) string {
	return fmt.Sprintf(`
resource "tenancy_workspace" "acme" {
  domain = { name = "%[1]s-workspace" }
  tenants = {
    web = {
      tags     = ["prod"]
      bindings = { users = { roles = ["member"] } }
      %[2]s
    }
    %[3]s
  }
}
`, prefix, web, others)
}

func TestAccWorkspace(t *testing.T) {
	acme := "tenancy_workspace.acme"
	web := tfjsonpath.New("tenants").AtMapKey("web")
	resource.ParallelTest(t, resource.TestCase{
		ExternalProviders: providers,
		CheckDestroy:      keystoneAnswers(http.StatusNotFound),
		Steps: []resource.TestStep{
			{
				Config: workspace("", ""),
				Check:  keystoneAnswers(http.StatusOK),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(acme, tfjsonpath.New("domain_id"), isID),
					statecheck.ExpectKnownValue(acme, web.AtMapKey("project_id"), isID),
					statecheck.ExpectKnownValue(acme, web.AtMapKey("bindings").AtMapKey("users").AtMapKey("group_id"), isID),
				},
			},
			{
				ResourceName:    acme,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithID,
				ImportStateId:   prefix + "-workspace",
			},
			{
				Config: workspace(`quotas = { compute = { cores = 8 } }`, `mail = {}`),
				ConfigPlanChecks: resource.ConfigPlanChecks{
					PreApply: []plancheck.PlanCheck{
						plancheck.ExpectResourceAction(acme, plancheck.ResourceActionUpdate),
						plancheck.ExpectKnownValue(acme, web.AtMapKey("project_id"), isID),
						plancheck.ExpectUnknownValue(acme, tfjsonpath.New("tenants").AtMapKey("mail").AtMapKey("project_id")),
					},
				},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(acme, tfjsonpath.New("tenants"), knownvalue.MapSizeExact(2)),
					statecheck.ExpectKnownValue(acme, web.AtMapKey("quotas").AtMapKey("compute").AtMapKey("cores"), knownvalue.Int64Exact(8)),
				},
			},
		},
	})
}

func TestAccBadInput(t *testing.T) {
	resource.ParallelTest(t, resource.TestCase{
		ExternalProviders: providers,
		Steps: []resource.TestStep{
			{
				Config: `
resource "tenancy_quota_set" "web" {
  project_id = "0123456789abcdef0123456789abcdef"
  compute    = { cores = -2 }
}
`,
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(`Expected -1 \(unlimited\)`),
			},
			{
				Config: `
data "tenancy_project" "none" {
  id = "0123456789abcdef0123456789abcdef"
}
`,
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(`Cannot find the project`),
			},
		},
	})
}
