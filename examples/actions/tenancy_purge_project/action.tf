variable "project_id" {
  type = string
}

# Invoked by hand: terraform apply -invoke=action.tenancy_purge_project.lab
action "tenancy_purge_project" "lab" {
  config {
    project_id = var.project_id
    timeout    = "10m"
  }
}
