-- Deletes the state of a credential that is gone. KEYS: its keys.
redis.call('UNLINK', unpack(KEYS))
return 'forgotten'
