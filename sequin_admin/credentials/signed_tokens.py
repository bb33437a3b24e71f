"""JSON Web Tokens that we sign. Their library, 3 MB, is loaded with the first one."""

from typing import Any


def sign(algorithm: str, claims: dict[str, Any], pem: str, **header: str) -> str:
    """Sign with the private key of a PEM file. Raises `ValueError` for one that is unreadable."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    key_class = ECKey if algorithm.startswith("ES") else RSAKey
    try:
        key = key_class.import_key(pem)
        return jwt.encode({"alg": algorithm, **header}, claims, key, algorithms=[algorithm])
    except (TypeError, JoseError) as error:
        raise ValueError(str(error)) from error
