"""Prints a .env for a machine of one's own: new random keys. Run by `make setup`."""

import secrets

from cryptography.fernet import Fernet

if __name__ == "__main__":
    print("# Made by make setup. For production set these in the environment instead.")
    print("DEBUG=True")
    print(f"SECRET_KEY={secrets.token_urlsafe(50)}")
    print(f"FIELD_ENCRYPTION_KEY={Fernet.generate_key().decode()}")
    print("# Targets may be on this machine, to try them out.")
    print("TARGET_NETWORKS=127.0.0.0/8,::1/128")
