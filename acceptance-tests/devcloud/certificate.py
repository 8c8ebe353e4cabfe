#!/usr/bin/env python3
"""certificate.py PATH [PASSPHRASE]: a self-signed certificate authority as PATH.pem and PATH.key."""

import datetime
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

path = sys.argv[1]
passphrase = sys.argv[2].encode() if len(sys.argv) > 2 else None
if os.path.exists(path + '.pem'):
    sys.exit()
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'devcloud')])
now = datetime.datetime.now(datetime.timezone.utc)
certificate = (
    x509.CertificateBuilder()
    .subject_name(name)
    .issuer_name(name)
    .public_key(key.public_key())
    .serial_number(x509.random_serial_number())
    .not_valid_before(now - datetime.timedelta(days=1))
    .not_valid_after(now + datetime.timedelta(days=3650))
    .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    .sign(key, hashes.SHA256())
)
encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
with open(path + '.key', 'wb', opener=lambda file, flags: os.open(file, flags, 0o600)) as file:
    file.write(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption))
# Last, because its presence says that the pair is complete.
with open(path + '.pem', 'wb') as file:
    file.write(certificate.public_bytes(serialization.Encoding.PEM))
