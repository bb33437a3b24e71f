-- Adds to a window what was used before the store started empty, as usage has recorded it.
--
-- KEYS: meta, starts, and the marker. ARGV: the window's name in meta (recorded, recorded:SCOPE),
-- its interval in us, and for each block of permits its name and its age in us. Running it twice
-- changes nothing.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local ends = string.format('%.0f', math.ceil((now + ARGV[2]) / 1000))
for i = 3, #ARGV, 2 do call('ZADD', KEYS[2], 'NX', now - ARGV[i + 1], ARGV[i]) end
call('HSET', KEYS[1], ARGV[1], call('GET', KEYS[3]) or 0, 'kept', 0)
for i = 1, 2 do
  if call('PTTL', KEYS[i]) < ARGV[2] / 1000 then call('PEXPIREAT', KEYS[i], ends) end
end
return 'recorded'
