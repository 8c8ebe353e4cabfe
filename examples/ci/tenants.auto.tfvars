workspace = "acme"

tenants = {
  web = {
    description = "Web shop"
    cost_centre = "IT-0042"
    owners      = ["admin"]
    users       = ["jane@example.org"]
  }
  lab = {
    cost_centre = "RD-0007"
    cores       = 8
    owners      = ["admin"]
  }
}
