provider "tenancy" {
  metering = {
    user_id  = var.reader
    password = "guessed"
  }
}
