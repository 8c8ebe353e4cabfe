resource "tenancy_quota_defaults" "region" {
  compute = { server_group_members = 12 }
  block_storage = {
    volume_types = { "${var.prefix}-ssd" = { volumes = 0 } }
  }
  shared_file_system = { share_group_snapshots = 51 }
  image              = { image_stage_total_mib = 10001 }
}

resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}
