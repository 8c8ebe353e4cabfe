resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
  properties = {
    "egi.VO" = "vo.example"
    empty    = ""
    list     = jsonencode(["a", "b"])
    object   = jsonencode({ b = 1, a = [true, null] })
    number   = "7"
  }
}
