provider "tenancy" {
  metering = {
    user_id  = var.reader
    password = var.password
  }
}
