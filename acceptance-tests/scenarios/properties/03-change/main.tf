resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
  properties = {
    "egi.VO" = "vo.example"
    list     = jsonencode(["a"])
    new      = "1"
  }
}
