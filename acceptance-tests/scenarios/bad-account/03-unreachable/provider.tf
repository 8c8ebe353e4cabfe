provider "tenancy" {
  auth_url    = "http://127.0.0.1:9/v3"
  max_retries = 1
}
