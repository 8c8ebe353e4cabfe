resource "tenancy_quota_defaults" "region" {
  compute = {
    cores     = 10
    instances = 10
  }
  block_storage = {
    gigabytes = 100
    volume_types = {
      ssd = { gigabytes = 0 } # only for those who get some
    }
  }

  # Registered limits in Keystone. They are needed before a quota set can limit images.
  image = {
    image_count_total    = 20
    image_size_total_mib = 10240
  }
}
